/* The module `_kernel`, and what its types share. */
#include "kernel.h"

double *copy_numbers(PyObject *list, Py_ssize_t *count) {
    if (!PyList_Check(list)) {
        PyErr_SetString(PyExc_TypeError, "numbers come as a list");
        return NULL;
    }
    *count = PyList_Size(list);
    double *numbers = PyMem_Malloc((size_t)(*count ? *count : 1) * sizeof *numbers);
    if (!numbers) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < *count; i++) {
        PyObject *item = PyList_GetItem(list, i);
        if (item && PyFloat_CheckExact(item)) { /* nearly always */
            numbers[i] = PyFloat_AsDouble(item);
            continue;
        }
        /* Another number's own __float__ may shorten the list. */
        Py_XINCREF(item);
        double number = item ? PyFloat_AsDouble(item) : -1.0;
        Py_XDECREF(item);
        if (number == -1.0 && PyErr_Occurred()) {
            PyMem_Free(numbers);
            return NULL;
        }
        numbers[i] = number;
    }
    return numbers;
}

PyObject *list_numbers(const double *numbers, Py_ssize_t count) {
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(numbers[i]);
        if (!number || PyList_SetItem(list, i, number) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

int count_items(const Py_buffer *buffer, Py_ssize_t size, Py_ssize_t *count) {
    *count = buffer->len / size;
    if (*count * size == buffer->len) {
        return 0;
    }
    PyErr_SetString(PyExc_ValueError, "a section of another size");
    return -1;
}

PyObject *make(PyTypeObject *type, PyObject *args, PyObject *keywords,
               int (*fill)(PyObject *object, PyObject *args)) {
    if (keywords && PyDict_Size(keywords)) {
        PyErr_SetString(PyExc_TypeError, "no argument has a name");
        return NULL;
    }
    PyObject *object = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (object && fill(object, args) < 0) {
        Py_CLEAR(object);
    }
    return object;
}

/* The numbers at some places: of a picture, what its bytes stand for. */
static PyObject *pick(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *numbers;
    Py_buffer places;
    if (!PyArg_ParseTuple(args, "Oy*", &numbers, &places)) {
        return NULL;
    }
    PyObject *list = PyList_New(places.len);
    for (Py_ssize_t i = 0; list && i < places.len; i++) {
        PyObject *number = PyList_GetItemRef(numbers, ((const unsigned char *)places.buf)[i]);
        if (!number || PyList_SetItem(list, i, number) < 0) {
            Py_CLEAR(list);
        }
    }
    PyBuffer_Release(&places);
    return list;
}

static PyObject *add_up(PyObject *Py_UNUSED(module), PyObject *bytes) {
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(bytes, &data, &size) < 0) {
        return NULL;
    }
    unsigned long long sum = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        sum += (unsigned char)data[i];
    }
    return PyLong_FromUnsignedLongLong(sum);
}

static int add_type(PyObject *module, PyType_Spec *spec) {
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (!type) {
        return -1;
    }
    int status = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return status;
}

static int add_types(PyObject *module) {
    PyType_Spec *specs[] = {&forest_spec, &matrix_spec, &terms_spec, &weights_spec};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        if (add_type(module, specs[i]) < 0) {
            return -1;
        }
    }
    /* What it was built from, so that a stale one is found. */
    return PyModule_AddStringConstant(module, "SOURCE", QUICKTHAW_SOURCE);
}

static PyMethodDef methods[] = {
    {"pick", pick, METH_VARARGS, "A list's numbers at some places, a byte each, as a list."},
    {"add_up", add_up, METH_O, "The sum of bytes."},
    {"softmax", softmax, METH_O, "Scores to probabilities, of a linear model's many labels."},
    {"calibrate", calibrate, METH_VARARGS, "Slopes, intercepts and scores to probabilities."},
    {"unfilter", unfilter, METH_VARARGS, "The rows of a PNG to their samples."},
    {"grey", grey, METH_VARARGS, "Samples of a colour, or with alpha, to grey."},
    {"ink", ink, METH_VARARGS, "A picture to what is drawn in it, as a model sees it."},
    {"resize", resize, METH_VARARGS, "A picture to the whole of it, as a model sees it."},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)add_types},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_kernel",
    .m_doc = "The arithmetic of some ops and of pictures, in C: the same bits, sooner.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernel(void) {
    return PyModuleDef_Init(&definition);
}
