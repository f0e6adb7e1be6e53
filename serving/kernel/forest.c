/* What trees say of a row: ops/trees.py, which says what each section holds. */
#include "kernel.h"
#include <math.h>

enum { LEFT = 1, RIGHT = 2, TOGETHER = 8 };

typedef struct {
    Py_ssize_t column, questions, first_threshold, first_question, codes, table;
} Feature;

enum { THRESHOLDS, MISSING, TABLES, ROOTS, QUESTIONS, DISTANCES, LEAVES, SECTIONS };

typedef struct {
    PyObject_HEAD
    Py_buffer sections[SECTIONS];
    Py_ssize_t counts[SECTIONS]; /* of numbers in each */
    Py_ssize_t sizes[SECTIONS];  /* of a number, in bytes */
    Feature *features;
    Py_ssize_t feature_count, answers; /* question 0, which is none, is one of them */
    double *init, divisor, limit;
    Py_ssize_t outputs;
    int whole;
} Forest;

static int refuse(PyObject *error, const char *why) {
    PyErr_SetString(error, why);
    return -1;
}

static const char *place(const Forest *self, int section, Py_ssize_t number) {
    return (const char *)self->sections[section].buf + number * self->sizes[section];
}

static inline Py_ssize_t read_count(const char *from, Py_ssize_t number, int size) {
    uint16_t small;
    if (size == 4) {
        return read_u32(from + 4 * number);
    }
    memcpy(&small, from + 2 * number, sizeof small);
    return small;
}

/* How many of a feature's thresholds are under a value, as bisect_left finds it. */
static Py_ssize_t bisect(const Forest *self, const Feature *feature, double value) {
    Py_ssize_t low = 0, high = feature->questions;
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        if (read_f64(place(self, THRESHOLDS, feature->first_threshold + middle)) < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The answers of the code that a value is; of one that was not seen in training those of a missing
 * value. */
static const char *find_table(const Forest *self, const Feature *feature, double value) {
    const char *missing = place(self, MISSING, feature->first_question);
    if (!(value >= 0.0 && value < (double)feature->codes && value == floor(value))) {
        return missing;
    }
    Py_ssize_t count = feature->questions;
    const char *found = place(self, TABLES, feature->table + (Py_ssize_t)value * count);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (found[i]) {
            return found;
        }
    }
    return missing;
}

/* A row's answer to each question; -1 with an exception set. */
static int find_answers(const Forest *self, const double *row, Py_ssize_t width,
                        unsigned char *answers) {
    for (Py_ssize_t i = 0; i < width; i++) {
        if (fabs(row[i]) >= self->limit) {
            return refuse(PyExc_ValueError, "a number is too large for single precision");
        }
    }
    answers[0] = 0;
    unsigned char *into = answers + 1;
    for (Py_ssize_t i = 0; i < self->feature_count; i++) {
        const Feature *feature = self->features + i;
        size_t count = (size_t)feature->questions;
        if (feature->column >= width) {
            return refuse(PyExc_IndexError, "a row of another width");
        }
        double value = row[feature->column];
        if (value != value) {
            memcpy(into, place(self, MISSING, feature->first_question), count);
        } else if (feature->codes) {
            memcpy(into, find_table(self, feature, value), count);
        } else {
            size_t over = (size_t)bisect(self, feature, value);
            memset(into, RIGHT, over);
            memset(into + over, LEFT, count - over);
        }
        into += count;
    }
    return 0;
}

/* The leaves that a row's answers lead to from TOGETHER roots, by their places; -1 with an exception
 * set. Each step of a walk waits for the memory, and meanwhile the others go on. An answer is 1 or
 * more, so a walk only goes on, and ends. */
static inline __attribute__((always_inline)) int walk_sized(const Forest *self, Py_ssize_t *nodes,
                                                            int count, const unsigned char *answers,
                                                            int question_size, int distance_size) {
    const char *questions = self->sections[QUESTIONS].buf, *distances = self->sections[DISTANCES].buf;
    Py_ssize_t end = self->counts[QUESTIONS] < self->counts[DISTANCES] ? self->counts[QUESTIONS]
                                                                       : self->counts[DISTANCES];
    Py_ssize_t last[TOGETHER], going = 1;
    while (going) {
        going = 0;
        for (int i = 0; i < count; i++) {
            if (nodes[i] >= end) {
                return refuse(PyExc_IndexError, "a node out of its section");
            }
            Py_ssize_t question = read_count(questions, nodes[i], question_size);
            if (question >= self->answers || (question && !answers[question])) {
                return refuse(PyExc_IndexError, "a question out of its section");
            }
            last[i] = read_count(distances, nodes[i], distance_size);
            /* A leaf stays where it is. */
            nodes[i] += question ? last[i] + answers[question] : 0;
            going |= question;
        }
    }
    memcpy(nodes, last, (size_t)count * sizeof *nodes);
    return 0;
}

/* With the sizes known, the compiler makes a loop of each. */
static int walk(const Forest *self, Py_ssize_t *nodes, int count, const unsigned char *answers) {
    int small = self->sizes[QUESTIONS] == 2;
    if (self->sizes[DISTANCES] == 2) {
        return small ? walk_sized(self, nodes, count, answers, 2, 2)
                     : walk_sized(self, nodes, count, answers, 4, 2);
    }
    return small ? walk_sized(self, nodes, count, answers, 2, 4)
                 : walk_sized(self, nodes, count, answers, 4, 4);
}

/* Adds what a leaf says; -1 with an exception set. */
static int add_leaf(const Forest *self, Py_ssize_t leaf, Py_ssize_t *turn, double *totals) {
    Py_ssize_t outputs = self->outputs, count = self->whole ? outputs : 1;
    Py_ssize_t start = leaf * count;
    if (start > self->counts[LEAVES] - count) {
        return refuse(PyExc_IndexError, "a leaf out of its section");
    }
    if (!self->whole) {
        totals[*turn] += read_f64(place(self, LEAVES, start));
        *turn = *turn + 1 < outputs ? *turn + 1 : 0;
        return 0;
    }
    for (Py_ssize_t k = 0; k < outputs; k++) {
        totals[k] += read_f64(place(self, LEAVES, start + k));
    }
    return 0;
}

/* Adds up what each tree says, in their order; -1 with an exception set. */
static int add_up(const Forest *self, const unsigned char *answers, double *totals) {
    Py_ssize_t outputs = self->outputs, turn = 0, trees = self->counts[ROOTS];
    memcpy(totals, self->init, (size_t)outputs * sizeof *totals);
    for (Py_ssize_t tree = 0; tree < trees; tree += TOGETHER) {
        Py_ssize_t nodes[TOGETHER];
        int count = trees - tree < TOGETHER ? (int)(trees - tree) : TOGETHER;
        for (int i = 0; i < count; i++) {
            nodes[i] = read_count(self->sections[ROOTS].buf, tree + i, 4);
        }
        if (walk(self, nodes, count, answers) < 0) {
            return -1;
        }
        for (int i = 0; i < count; i++) {
            if (add_leaf(self, nodes[i], &turn, totals) < 0) {
                return -1;
            }
        }
    }
    for (Py_ssize_t k = 0; k < outputs; k++) {
        totals[k] /= self->divisor;
    }
    return 0;
}

static PyObject *forest_score(PyObject *object, PyObject *list) {
    Forest *self = (Forest *)object;
    Py_ssize_t width;
    double *row = copy_numbers(list, &width);
    if (!row) {
        return NULL;
    }
    unsigned char *answers = PyMem_Malloc((size_t)self->answers);
    double *totals = PyMem_Malloc((size_t)self->outputs * sizeof *totals);
    PyObject *answer = NULL;
    if (!answers || !totals) {
        PyErr_NoMemory();
    } else if (find_answers(self, row, width, answers) == 0 && add_up(self, answers, totals) == 0) {
        answer = list_numbers(totals, self->outputs);
    }
    PyMem_Free(row);
    PyMem_Free(answers);
    PyMem_Free(totals);
    return answer;
}

/* Of [column, questions, codes] of each feature; -1 with an exception set. */
static int read_features(Forest *self, PyObject *layout) {
    Py_ssize_t thresholds = 0, tables = 0;
    if (!PyList_Check(layout)) {
        return refuse(PyExc_TypeError, "features come as a list");
    }
    self->feature_count = PyList_Size(layout);
    self->features = PyMem_Calloc((size_t)self->feature_count + 1, sizeof *self->features);
    if (!self->features) {
        PyErr_NoMemory();
        return -1;
    }
    self->answers = 1;
    for (Py_ssize_t i = 0; i < self->feature_count; i++) {
        Feature *feature = self->features + i;
        PyObject *one = PyList_GetItem(layout, i);
        if (one && !PyTuple_Check(one)) {
            return refuse(PyExc_TypeError, "a feature comes as a tuple");
        }
        if (!one || !PyArg_ParseTuple(one, "nnn", &feature->column, &feature->questions,
                                      &feature->codes)) {
            return -1;
        }
        Py_ssize_t count = feature->questions, codes = feature->codes;
        if (feature->column < 0 || count < 0 || codes < 0 || count > UINT32_MAX ||
            codes > UINT32_MAX) {
            return refuse(PyExc_ValueError, "a feature that cannot be");
        }
        feature->first_question = self->answers - 1;
        feature->first_threshold = thresholds;
        feature->table = tables;
        self->answers += count;
        thresholds += codes ? 0 : count;
        tables += codes * count;
        /* Before the next one is added: none overflows. */
        if (self->answers - 1 > self->counts[MISSING] || thresholds > self->counts[THRESHOLDS] ||
            tables > self->counts[TABLES]) {
            return refuse(PyExc_ValueError, "features out of their sections");
        }
    }
    return 0;
}

static int read_sections(Forest *self, const char *types) {
    static const Py_ssize_t sizes[SECTIONS] = {8, 1, 1, 4, 0, 0, 8};
    if (strlen(types) != 2 || strspn(types, "HI") != 2) {
        return refuse(PyExc_ValueError, "questions and distances are H or I");
    }
    for (int i = 0; i < SECTIONS; i++) {
        self->sizes[i] = sizes[i] ? sizes[i] : types[i - QUESTIONS] == 'H' ? 2 : 4;
        if (count_items(self->sections + i, self->sizes[i], self->counts + i) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fill(PyObject *object, PyObject *args) {
    Forest *self = (Forest *)object;
    Py_buffer *sections = self->sections;
    PyObject *layout, *init;
    const char *types;
    if (!PyArg_ParseTuple(args, "Os(y*y*y*y*y*y*y*)Oddp", &layout, &types, sections, sections + 1,
                          sections + 2, sections + 3, sections + 4, sections + 5, sections + 6,
                          &init, &self->divisor, &self->limit, &self->whole)) {
        memset(sections, 0, sizeof self->sections); /* released by what failed */
        return -1;
    }
    self->init = copy_numbers(init, &self->outputs);
    if (!self->init) {
        return -1;
    }
    if (!self->outputs) {
        return refuse(PyExc_ValueError, "no outputs");
    }
    return read_sections(self, types) < 0 ? -1 : read_features(self, layout);
}

static PyObject *forest_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    return make(type, args, keywords, fill);
}

static int forest_traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT((PyObject *)Py_TYPE(object));
    return 0; /* what buffers are of is bytes of a file */
}

static void forest_free(PyObject *object) {
    Forest *self = (Forest *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    for (int i = 0; i < SECTIONS; i++) {
        if (self->sections[i].obj) {
            PyBuffer_Release(self->sections + i);
        }
    }
    PyMem_Free(self->features);
    PyMem_Free(self->init);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"score", forest_score, METH_O, "A row to the outputs."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, (void *)forest_new},         {Py_tp_dealloc, (void *)forest_free},
    {Py_tp_traverse, (void *)forest_traverse}, {Py_tp_methods, methods},
    {0, NULL},
};
PyType_Spec forest_spec = {
    .name = "_kernel.Forest",
    .basicsize = sizeof(Forest),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};
