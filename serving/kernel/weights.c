/* A sparse row times weights, column by column: ops/linear.py. */
#include "blocks.h"

enum { F64 = 8 };

typedef struct {
    PyObject_HEAD
    Blocks blocks;
    uint64_t start, columns;
    Py_ssize_t width;
    double *intercept;
} Weights;

static int refuse(const char *why) {
    PyErr_SetString(PyExc_ValueError, why);
    return -1;
}

static void weights_free(PyObject *object);

/* Adds a column's weights times its value to the scores; -1 with an exception set. */
static int add_column(Weights *self, Cell cell, double *scores, double *spare) {
    size_t size = (size_t)self->width * F64;
    if (cell.column >= self->columns) {
        return refuse("a column out of its section");
    }
    const char *row = find_bytes(&self->blocks, self->start + cell.column * size, size, spare);
    if (!row) {
        return -1;
    }
    for (Py_ssize_t k = 0; k < self->width; k++) {
        scores[k] += cell.value * read_f64(row + k * F64);
    }
    return 0;
}

PyObject *score_cells(PyObject *weights, const Cell *cells, Py_ssize_t count) {
    /* The type itself is the module's; only its objects are freed so. */
    if (PyType_GetSlot(Py_TYPE(weights), Py_tp_dealloc) != (void *)weights_free) {
        PyErr_SetString(PyExc_TypeError, "weights come as Weights");
        return NULL;
    }
    Weights *self = (Weights *)weights;
    double *scores = PyMem_Calloc((size_t)self->width * 2, sizeof *scores);
    if (!scores) {
        return PyErr_NoMemory();
    }
    PyObject *answer = NULL;
    Py_ssize_t done = 0;
    while (done < count && add_column(self, cells[done], scores, scores + self->width) == 0) {
        done++;
    }
    if (done == count) {
        for (Py_ssize_t k = 0; k < self->width; k++) {
            scores[k] += self->intercept[k];
        }
        answer = list_numbers(scores, self->width);
    }
    PyMem_Free(scores);
    return answer;
}

/* The cells of a list of columns and one of as many values, freed by PyMem_Free; NULL with an
 * exception set. */
static Cell *copy_cells(PyObject *columns, PyObject *values, Py_ssize_t *count) {
    double *numbers = copy_numbers(values, count);
    Cell *cells = numbers ? PyMem_Malloc((size_t)(*count + 1) * sizeof *cells) : NULL;
    int status = cells ? 0 : -1;
    if (numbers && !cells) {
        PyErr_NoMemory();
    }
    if (cells && (!PyList_Check(columns) || PyList_Size(columns) != *count)) {
        status = refuse("as many columns as values");
    }
    for (Py_ssize_t i = 0; !status && i < *count; i++) {
        PyObject *item = PyList_GetItemRef(columns, i);
        long long column = item ? PyLong_AsLongLong(item) : -1;
        Py_XDECREF(item);
        cells[i] = (Cell){(uint64_t)column, numbers[i]};
        if (column < 0) {
            status = PyErr_Occurred() ? -1 : refuse("a column out of its section");
        }
    }
    PyMem_Free(numbers);
    if (status < 0) {
        PyMem_Free(cells);
        return NULL;
    }
    return cells;
}

static PyObject *weights_score(PyObject *object, PyObject *args) {
    PyObject *columns, *values;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(args, "OO", &columns, &values)) {
        return NULL;
    }
    Cell *cells = copy_cells(columns, values, &count);
    PyObject *answer = cells ? score_cells(object, cells, count) : NULL;
    PyMem_Free(cells);
    return answer;
}

static PyObject *weights_keep(PyObject *object, PyObject *number) {
    Py_ssize_t wanted = PyLong_AsSsize_t(number);
    if (wanted == -1 && PyErr_Occurred()) {
        return NULL;
    }
    return keep_blocks(&((Weights *)object)->blocks, wanted) < 0 ? NULL : Py_NewRef(Py_None);
}

static int fill(PyObject *object, PyObject *args) {
    Weights *self = (Weights *)object;
    PyObject *load, *intercept;
    unsigned long long start, stop;
    Py_ssize_t kept;
    if (!PyArg_ParseTuple(args, "OnKKO", &load, &kept, &start, &stop, &intercept)) {
        return -1;
    }
    self->intercept = copy_numbers(intercept, &self->width);
    if (!self->intercept) {
        return -1;
    }
    if (!self->width || start > stop || stop > UINT32_MAX * (uint64_t)BLOCK) {
        return refuse("a section of another size");
    }
    self->start = start;
    self->columns = (stop - start) / F64 / (uint64_t)self->width;
    return open_blocks(&self->blocks, load, kept);
}

static PyObject *weights_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    return make(type, args, keywords, fill);
}

static int weights_traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT((PyObject *)Py_TYPE(object));
    return visit_blocks(&((Weights *)object)->blocks, visit, arg);
}

static int weights_clear(PyObject *object) {
    Py_CLEAR(((Weights *)object)->blocks.load);
    return 0;
}

static void weights_free(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    close_blocks(&((Weights *)object)->blocks);
    PyMem_Free(((Weights *)object)->intercept);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"score", weights_score, METH_VARARGS, "Columns and values of a row to its scores."},
    {"keep", weights_keep, METH_O, "Keep so many blocks from now on."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, (void *)weights_new},         {Py_tp_dealloc, (void *)weights_free},
    {Py_tp_traverse, (void *)weights_traverse}, {Py_tp_clear, (void *)weights_clear},
    {Py_tp_methods, methods},                   {0, NULL},
};
PyType_Spec weights_spec = {
    .name = "_kernel.Weights",
    .basicsize = sizeof(Weights),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};
