/* What the parts of the kernel share.
 *
 * The kernel does the arithmetic of some ops of a frozen model, and of pictures: the operations of
 * their Python, in the same order, so the same bits. What it reads of a model is checked as the ops
 * check it, and whatever it is given, it reads and writes within bounds.
 */
#ifndef QUICKTHAW_KERNEL_H
#define QUICKTHAW_KERNEL_H

#define Py_LIMITED_API 0x030d0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a frozen model needs a little-endian processor"
#endif

/* Numbers of a file stand at any address: they are copied out. */
static inline uint32_t read_u32(const char *from) {
    uint32_t number;
    memcpy(&number, from, sizeof number);
    return number;
}

static inline double read_f64(const char *from) {
    double number;
    memcpy(&number, from, sizeof number);
    return number;
}

/* A list's numbers, copied: what is called later may change the list. NULL with an exception set.
 * Freed by PyMem_Free. */
double *copy_numbers(PyObject *list, Py_ssize_t *count);

/* A new list of numbers; NULL with an exception set. */
PyObject *list_numbers(const double *numbers, Py_ssize_t count);

/* A value of a sparse row. */
typedef struct {
    uint64_t column;
    double value;
} Cell;

/* The scores of a sparse row by a `Weights`, as a list; NULL with an exception set, as where it is
 * another object. */
PyObject *score_cells(PyObject *weights, const Cell *cells, Py_ssize_t count);

/* A buffer's bytes: `count` is set to the number of items of `size` bytes. -1 with ValueError set
 * where there is a rest. */
int count_items(const Py_buffer *buffer, Py_ssize_t size, Py_ssize_t *count);

/* A new object, filled from its arguments; NULL with an exception set. What `fill` has set up when
 * it fails, the type's own dealloc takes down. */
PyObject *make(PyTypeObject *type, PyObject *args, PyObject *keywords,
               int (*fill)(PyObject *object, PyObject *args));

/* Functions of the module: of links.c, of png.c and of pictures.c. */
PyObject *softmax(PyObject *module, PyObject *list);
PyObject *calibrate(PyObject *module, PyObject *args);
PyObject *unfilter(PyObject *module, PyObject *args);
PyObject *grey(PyObject *module, PyObject *args);
PyObject *ink(PyObject *module, PyObject *args);
PyObject *resize(PyObject *module, PyObject *args);

extern PyType_Spec forest_spec, matrix_spec, terms_spec, weights_spec;

#endif
