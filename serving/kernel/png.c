/* The samples of a PNG's rows, and their grey: app/pictures/png.py and grey.py. */
#include "kernel.h"
#include <stdlib.h>

enum { NONE, SUB, UP, AVERAGE, PAETH }; /* PNG Specification, 9.2 */
enum { WHITE = 255 };

/* Of the bytes on the left, above, and above on the left the one nearest to left + up - corner. */
static int foretell(int left, int up, int corner) {
    int across = abs(up - corner), down = abs(left - corner), both = abs(left + up - 2 * corner);
    return across <= down && across <= both ? left : down <= both ? up : corner;
}

/* Undoes a row's filter in place; `above` is the row before it, undone. -1 of no filter. */
static int undo(int filter, unsigned char *row, const unsigned char *above, Py_ssize_t stride,
                Py_ssize_t step) {
    Py_ssize_t i = 0;
    for (; i < step && filter != SUB; i++) { /* nothing is on their left */
        int half = filter == AVERAGE ? above[i] >> 1 : 0;
        row[i] += (unsigned char)(filter == UP || filter == PAETH ? above[i] : half);
    }
    switch (filter) {
    case NONE:
        return 0;
    case SUB:
        for (i = step; i < stride; i++) {
            row[i] += row[i - step];
        }
        return 0;
    case UP:
        for (; i < stride; i++) {
            row[i] += above[i];
        }
        return 0;
    case AVERAGE:
        for (; i < stride; i++) {
            row[i] += (unsigned char)((row[i - step] + above[i]) >> 1);
        }
        return 0;
    case PAETH:
        for (; i < stride; i++) {
            row[i] += (unsigned char)foretell(row[i - step], above[i], above[i - step]);
        }
        return 0;
    default:
        return -1;
    }
}

PyObject *unfilter(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer raw;
    Py_ssize_t stride, step, rows = 0;
    PyObject *samples = NULL, *above = NULL;
    if (!PyArg_ParseTuple(args, "y*nn", &raw, &stride, &step)) {
        return NULL;
    }
    if (step < 1 || stride < step || stride >= raw.len || raw.len % (stride + 1)) {
        PyErr_SetString(PyExc_ValueError, "no rows of this size");
    } else {
        rows = raw.len / (stride + 1);
        samples = PyBytes_FromStringAndSize(NULL, rows * stride);
        above = samples ? PyByteArray_FromStringAndSize(NULL, stride) : NULL;
    }
    if (above) {
        const unsigned char *from = raw.buf;
        unsigned char *row = (unsigned char *)PyBytes_AsString(samples);
        unsigned char *before = memset(PyByteArray_AsString(above), 0, (size_t)stride);
        for (; rows; rows--, from += stride + 1, before = row, row += stride) {
            memcpy(row, from + 1, (size_t)stride);
            if (undo(*from, row, before, stride, step) < 0) {
                PyErr_SetString(PyExc_ValueError, "no such filter");
                break;
            }
        }
    }
    if (rows || !above) {
        Py_CLEAR(samples);
    }
    Py_XDECREF(above);
    PyBuffer_Release(&raw);
    return samples;
}

/* ITU-R 601-2 in 16 bits, as grey.py has it. */
static int weigh(const unsigned char *pixel) {
    return (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16;
}

PyObject *grey(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer samples, key;
    int channels;
    if (!PyArg_ParseTuple(args, "y*iy*", &samples, &channels, &key)) {
        return NULL;
    }
    PyObject *made = NULL;
    if (channels < 2 || channels > 4 || samples.len % channels || (key.len && key.len != channels)) {
        PyErr_SetString(PyExc_ValueError, "no pixels of so many samples");
    } else {
        made = PyBytes_FromStringAndSize(NULL, samples.len / channels);
    }
    if (made) {
        const unsigned char *pixel = samples.buf;
        unsigned char *to = (unsigned char *)PyBytes_AsString(made);
        for (Py_ssize_t left = samples.len; left; left -= channels, pixel += channels) {
            int value = channels == 2 ? pixel[0] : weigh(pixel);
            int alpha = channels == 3 ? WHITE : pixel[channels - 1];
            if (key.len && !memcmp(pixel, key.buf, (size_t)channels)) {
                alpha = 0;
            }
            *to++ = (unsigned char)(WHITE - ((WHITE - value) * alpha + 127) / 255);
        }
    }
    PyBuffer_Release(&key);
    PyBuffer_Release(&samples);
    return made;
}
