/* A dense row times a matrix: ops/matrix.py. Each sum is math.sumprod's, to the last bit.
 *
 * math.sumprod adds products and what they round off in three parts (Ogita, Rump, Oishi: "Accurate
 * sum and dot product", 2005, algorithm 5.10 with K = 3, as CPython's mathmodule.c has it). Two
 * parts on a grid (Rump, Ogita, Oishi: "Accurate floating-point summation, part I", 2008, section
 * 3) take a fifth of the work, and nearly always show how the exact sum is rounded; where they do
 * not, the three parts are added as math.sumprod does it.
 *
 * fma() is meant here, and here alone: it rounds a product and a sum once.
 */
#include "kernel.h"
#include <math.h>

enum { LANES = 16, F64 = 8 };
/* As ops/matrix.py has them: when zeros are left out. */
enum { FEW = 16, SPARSE = 2 };

typedef struct {
    PyObject_HEAD
    PyObject *load;  /* an input's number to its weights, f64 each, and maybe to more inputs' */
    double *weights; /* of LANES neighbouring outputs, input by input; then of the next ones */
    char *loaded;    /* whether an input's weights are there */
    double largest;  /* of the weights that are there, without their signs */
    double *intercept;
    Py_ssize_t inputs, outputs, groups; /* of LANES outputs: the last is filled up with zeros */
} Matrix;

/* Two numbers' sum, and what it rounds off: algorithm 3.1. */
static inline double add(double a, double b, double *rest) {
    double sum = a + b, part = sum - a;
    *rest = (a - (sum - part)) + (b - part);
    return sum;
}

/* The sums of LANES neighbouring outputs in two parts, on the grid of `start`: each sum begins
 * there, and stays where doubles are as far apart as at `start`. So a step's difference is exact,
 * and what the step rounded off is one fma more. The weights that lie `ahead` are asked for: those
 * of a network's layer are more than the nearest cache holds, and a picture's are here and there. */
#define SUM_IN_TWO(NAME, TARGET)                                                                  \
    TARGET static void NAME(const double *weights, const double *row,                            \
                            const Py_ssize_t *kept, Py_ssize_t count, double start,              \
                            Py_ssize_t ahead, double *highs, double *lows) {                      \
        double high[LANES], low[LANES] = {0};                                                     \
        for (int k = 0; k < LANES; k++) {                                                         \
            high[k] = start;                                                                      \
        }                                                                                         \
        for (Py_ssize_t i = 0; i < count; i++) {                                                  \
            const double x = row[kept[i]], *y = weights + kept[i] * LANES;                        \
            __builtin_prefetch(y + ahead);                                                        \
            __builtin_prefetch(y + ahead + LANES / 2);                                            \
            for (int k = 0; k < LANES; k++) {                                                     \
                double sum = fma(x, y[k], high[k]);                                               \
                low[k] += fma(x, y[k], high[k] - sum);                                            \
                high[k] = sum;                                                                    \
            }                                                                                     \
        }                                                                                         \
        for (int k = 0; k < LANES; k++) {                                                         \
            highs[k] = high[k] - start;                                                           \
            lows[k] = low[k];                                                                     \
        }                                                                                         \
    }

/* The sums of LANES neighbouring outputs in three parts, as math.sumprod has them. */
#define SUM_IN_THREE(NAME, TARGET)                                                                \
    TARGET static void NAME(const double *weights, const double *row,                            \
                            const Py_ssize_t *kept, Py_ssize_t count, double *sums) {            \
        double high[LANES] = {0}, low[LANES] = {0}, tiny[LANES] = {0};                            \
        double rest, low_rest, both_rest;                                                         \
        for (Py_ssize_t i = 0; i < count; i++) {                                                  \
            const double x = row[kept[i]], *y = weights + kept[i] * LANES;                        \
            for (int k = 0; k < LANES; k++) {                                                     \
                double product = x * y[k], product_rest = fma(x, y[k], -product);                 \
                high[k] = add(high[k], product, &rest);                                           \
                low[k] = add(add(low[k], product_rest, &low_rest), rest, &both_rest);             \
                tiny[k] = tiny[k] + low_rest + both_rest;                                         \
            }                                                                                     \
        }                                                                                         \
        for (int k = 0; k < LANES; k++) {                                                         \
            double last = add(low[k], high[k], &rest);                                            \
            sums[k] = tiny[k] + rest + last;                                                      \
        }                                                                                         \
    }

#if defined(__x86_64__)
#include <cpuid.h>
#define FUSED __attribute__((target("avx2,fma")))

/* Whether this processor has AVX2 and FMA, and the system keeps their registers: Intel 64 and IA-32
 * Architectures Software Developer's Manual, volume 1, 14.3 and 14.7.1. */
static int has_fma(void) {
    unsigned a, b, c, d, kept;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX) || !(c & bit_FMA)) {
        return 0;
    }
    __asm__("xgetbv" : "=a"(kept), "=d"(d) : "c"(0));
    return (kept & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}
#else
#define FUSED /* aarch64 has fused instructions always */
static int has_fma(void) { return 1; }
#endif
SUM_IN_TWO(sum_in_two, FUSED)
SUM_IN_THREE(sum_in_three, FUSED)

/* The inputs to go through: all; or those that are not zero, where ops/matrix.py leaves the others
 * out. */
static Py_ssize_t choose(const double *row, Py_ssize_t width, Py_ssize_t *kept) {
    Py_ssize_t zeros = 0, count = 0;
    for (Py_ssize_t i = 0; i < width; i++) {
        zeros += row[i] == 0.0;
    }
    int skip = width > FEW && zeros * SPARSE > width;
    for (Py_ssize_t i = 0; i < width; i++) {
        if (!skip || row[i] != 0.0) {
            kept[count++] = i;
        }
    }
    return count;
}

/* Loads an input's weights, and those of the inputs after it that come with them; -1 with an
 * exception set. */
static int load(Matrix *self, Py_ssize_t input) {
    char *bytes = NULL;
    Py_ssize_t size = 0, each = self->outputs * F64;
    PyObject *found = PyObject_CallFunction(self->load, "n", input);
    if (!found) {
        return -1;
    }
    int status = PyBytes_AsStringAndSize(found, &bytes, &size);
    if (!status && (size < each || size % each || size / each > self->inputs - input)) {
        PyErr_SetString(PyExc_ValueError, "weights of another number");
        status = -1;
    }
    for (; !status && size; size -= each, bytes += each, input++) {
        for (Py_ssize_t k = 0; k < self->outputs; k++) {
            double weight = read_f64(bytes + k * F64);
            self->weights[(k / LANES * self->inputs + input) * LANES + k % LANES] = weight;
            self->largest = fmax(self->largest, fabs(weight));
        }
        self->loaded[input] = 1;
    }
    Py_DECREF(found);
    return status;
}

/* At most the sum of the products' sizes, whatever the output. */
static double bound_size(const Matrix *self, const double *row, const Py_ssize_t *kept,
                         Py_ssize_t count) {
    double size = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        size += fabs(row[kept[i]]);
    }
    return size * self->largest;
}

/* Where sums of products of this size begin: the middle between two powers of two that they leave
 * at neither end. Not finite, or of no use, where the size is not finite: nothing is rounded by
 * two parts then, for their error is not finite. */
static double find_start(double size) {
    int exponent = 0; /* C leaves it open where the size is not finite */
    frexp(size, &exponent);
    return ldexp(1.5, exponent + 2);
}

/* How far the exact sum may be from its two parts. The grid is at most 16 u of the size apart, u
 * being 2^-53. A step leaves at most half of that to be added to the low part, whose n additions
 * and n roundings of what is added are at most u each of n times as much: 8 n (n + 1) u^2 of the
 * size. Four times as much holds the rounding of this bound, of the test that it is for, and of
 * math.sumprod's last step. What is tiny is rounded to a multiple of 2^-1074. */
static double bound_error(double size, Py_ssize_t count) {
    double terms = (double)count + 2;
    return 4 * 8 * terms * terms * 0x1p-106 * size + 1e-300;
}

/* Adds the two parts of a sum to the first; 0 where what is within `error` of both might be rounded
 * to another number. Of LANES outputs, or as many as there are. */
static int round_all(double *highs, const double *lows, double error, Py_ssize_t outputs) {
    for (Py_ssize_t k = 0; k < LANES && k < outputs; k++) {
        double rest, sum = add(highs[k], lows[k], &rest);
        if (sum + (rest - error) != sum || sum + (rest + error) != sum) {
            return 0;
        }
        highs[k] = sum;
    }
    return 1;
}

/* The sums of the inputs that are kept, into `sums`: 1, or 0 where one is not finite, which
 * math.sumprod adds otherwise; -1 with an exception set. */
static int sum_all(Matrix *self, const double *row, const Py_ssize_t *kept, Py_ssize_t count,
                   double *sums) {
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!self->loaded[kept[i]] && load(self, kept[i]) < 0) {
            return -1;
        }
    }
    double size = bound_size(self, row, kept, count), start = find_start(size);
    double error = bound_error(size, count);
    for (Py_ssize_t k = 0; k < self->groups; k++) {
        const double *weights = self->weights + k * self->inputs * LANES;
        double *highs = sums + k * LANES, lows[LANES];
        Py_ssize_t ahead = k + 1 < self->groups ? self->inputs * LANES : 0;
        sum_in_two(weights, row, kept, count, start, ahead, highs, lows);
        if (!round_all(highs, lows, error, self->outputs - k * LANES)) {
            sum_in_three(weights, row, kept, count, highs);
        }
    }
    for (Py_ssize_t k = 0; k < self->outputs; k++) {
        if (!isfinite(sums[k])) {
            return 0;
        }
        sums[k] += self->intercept[k];
    }
    return 1;
}

/* A row's sums, as many as there are outputs, freed by PyMem_Free. NULL with an exception set; or
 * without one, where a sum is not finite. */
static double *sum_row(Matrix *self, const double *row, Py_ssize_t width) {
    if (width != self->inputs) {
        PyErr_SetString(PyExc_ValueError, "a row of another width");
        return NULL;
    }
    Py_ssize_t *kept = PyMem_Malloc((size_t)(width + 1) * sizeof *kept);
    double *sums = PyMem_Malloc((size_t)(self->groups * LANES + 1) * sizeof *sums);
    if (!kept || !sums) {
        PyErr_NoMemory();
    }
    if (!kept || !sums || sum_all(self, row, kept, choose(row, width, kept), sums) != 1) {
        PyMem_Free(sums);
        sums = NULL;
    }
    PyMem_Free(kept);
    return sums;
}

/* A function of each value, by its name: ops/matrix.py has them. -1 with an exception set. */
static int activate(PyObject *name, double *values, Py_ssize_t count) {
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "a function comes as its name");
        return -1;
    }
    if (PyUnicode_EqualToUTF8(name, "relu")) {
        for (Py_ssize_t i = 0; i < count; i++) {
            values[i] = values[i] > 0.0 ? values[i] : 0.0;
        }
    } else if (PyUnicode_EqualToUTF8(name, "tanh")) {
        for (Py_ssize_t i = 0; i < count; i++) {
            values[i] = tanh(values[i]);
        }
    } else if (PyUnicode_EqualToUTF8(name, "logistic")) {
        for (Py_ssize_t i = 0; i < count; i++) {
            double power = exp(-fabs(values[i]));
            values[i] = (values[i] >= 0 ? 1.0 : power) / (1.0 + power);
        }
    } else {
        PyErr_SetString(PyExc_ValueError, "a function that there is not");
        return -1;
    }
    return 0;
}

/* The numbers of a row: a list's, or of a picture's bytes their parts of 255. As copy_numbers. */
static double *copy_row(PyObject *row, Py_ssize_t *width) {
    char *bytes;
    if (!PyBytes_Check(row)) {
        return copy_numbers(row, width);
    }
    if (PyBytes_AsStringAndSize(row, &bytes, width) < 0) {
        return NULL;
    }
    double *numbers = PyMem_Malloc((size_t)(*width + 1) * sizeof *numbers);
    if (!numbers) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < *width; i++) {
        numbers[i] = (unsigned char)bytes[i] / 255.0;
    }
    return numbers;
}

static PyObject *matrix_score(PyObject *object, PyObject *args) {
    Matrix *self = (Matrix *)object;
    Py_ssize_t width, count = PyTuple_Size(args);
    if (count % 2 == 0) {
        PyErr_SetString(PyExc_TypeError, "a row, and then pairs of a function and a matrix");
        return NULL;
    }
    double *row = copy_row(PyTuple_GetItem(args, 0), &width);
    for (Py_ssize_t i = 1; row; i += 2) {
        double *sums = sum_row(self, row, width);
        PyMem_Free(row);
        row = sums;
        width = self->outputs;
        if (i == count) {
            break;
        }
        PyObject *next = PyTuple_GetItem(args, i + 1);
        if (row && !Py_IS_TYPE(next, Py_TYPE(object))) {
            PyErr_SetString(PyExc_TypeError, "behind a function comes a matrix");
            PyMem_Free(row);
            row = NULL;
        }
        if (row && activate(PyTuple_GetItem(args, i), row, width) < 0) {
            PyMem_Free(row);
            row = NULL;
        }
        self = (Matrix *)next;
    }
    PyObject *answer = NULL;
    if (row) {
        answer = list_numbers(row, width);
    } else if (!PyErr_Occurred()) {
        answer = Py_NewRef(Py_None);
    }
    PyMem_Free(row);
    return answer;
}

static int fill(PyObject *object, PyObject *args) {
    Matrix *self = (Matrix *)object;
    PyObject *load, *intercept;
    if (!PyArg_ParseTuple(args, "OnO", &load, &self->inputs, &intercept)) {
        return -1;
    }
    if (!has_fma()) {
        PyErr_SetString(PyExc_NotImplementedError, "this processor has no fused instructions");
        return -1;
    }
    self->intercept = copy_numbers(intercept, &self->outputs);
    if (!self->intercept) {
        return -1;
    }
    self->groups = (self->outputs + LANES - 1) / LANES;
    if (self->inputs < 0 || !self->outputs ||
        self->inputs > PY_SSIZE_T_MAX / F64 / LANES / self->groups - 1) {
        PyErr_SetString(PyExc_ValueError, "a matrix that cannot be");
        return -1;
    }
    self->weights = PyMem_Calloc((size_t)(self->inputs * self->groups * LANES + 1), sizeof(double));
    self->loaded = PyMem_Calloc((size_t)(self->inputs + 1), 1);
    if (!self->weights || !self->loaded) {
        PyErr_NoMemory();
        return -1;
    }
    self->load = Py_NewRef(load);
    return 0;
}

static PyObject *matrix_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    return make(type, args, keywords, fill);
}

static int matrix_traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT((PyObject *)Py_TYPE(object));
    Py_VISIT(((Matrix *)object)->load);
    return 0;
}

static int matrix_clear(PyObject *object) {
    Py_CLEAR(((Matrix *)object)->load);
    return 0;
}

static void matrix_free(PyObject *object) {
    Matrix *self = (Matrix *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_CLEAR(self->load);
    PyMem_Free(self->weights);
    PyMem_Free(self->loaded);
    PyMem_Free(self->intercept);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"score", matrix_score, METH_VARARGS,
     "A row to its sums, and through functions and matrices; None where a sum is not finite."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, (void *)matrix_new},           {Py_tp_dealloc, (void *)matrix_free},
    {Py_tp_traverse, (void *)matrix_traverse}, {Py_tp_clear, (void *)matrix_clear},
    {Py_tp_methods, methods},                  {0, NULL},
};
PyType_Spec matrix_spec = {
    .name = "_kernel.Matrix",
    .basicsize = sizeof(Matrix),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};
