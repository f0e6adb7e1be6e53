/* Scores to probabilities: classify.py, calibrate.py and shares.py of ops. exp() is the C library's,
 * as in Python's math. */
#include "kernel.h"
#include <math.h>

enum { PAIRWISE = 128, STEP = 8 }; /* as numpy's pairwise sum has them */

/* The sum in numpy's order: add_up() in ops/shares.py. */
static double add_up(const double *values, Py_ssize_t count) {
    if (count > PAIRWISE) {
        Py_ssize_t half = count / 2 - count / 2 % STEP;
        return add_up(values, half) + add_up(values + half, count - half);
    }
    double total = 0.0;
    Py_ssize_t done = 0;
    if (count >= STEP) {
        double s[STEP];
        memcpy(s, values, sizeof s);
        for (done = STEP; done <= count - STEP; done += STEP) {
            for (int k = 0; k < STEP; k++) {
                s[k] += values[done + k];
            }
        }
        total = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    }
    for (; done < count; done++) {
        total += values[done];
    }
    return total;
}

/* Each number's share of their sum; the same for each where all are zero. */
static void share(double *values, Py_ssize_t count) {
    double total = add_up(values, count);
    for (Py_ssize_t i = 0; i < count; i++) {
        values[i] = total != 0.0 ? values[i] / total : 1.0 / (double)count;
    }
}

PyObject *softmax(PyObject *Py_UNUSED(module), PyObject *list) {
    Py_ssize_t count;
    double *scores = copy_numbers(list, &count);
    if (!scores) {
        return NULL;
    }
    PyObject *answer = NULL;
    if (!count) {
        PyErr_SetString(PyExc_ValueError, "no scores");
    } else {
        double top = scores[0];
        for (Py_ssize_t i = 1; i < count; i++) {
            top = scores[i] > top ? scores[i] : top;
        }
        for (Py_ssize_t i = 0; i < count; i++) {
            scores[i] = exp(scores[i] - top);
        }
        share(scores, count);
        answer = list_numbers(scores, count);
    }
    PyMem_Free(scores);
    return answer;
}

PyObject *calibrate(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *lists[3], *answer = NULL;
    double *numbers[3] = {0};
    Py_ssize_t counts[3] = {0};
    if (!PyArg_ParseTuple(args, "OOO", &lists[0], &lists[1], &lists[2])) {
        return NULL;
    }
    for (int i = 0; i < 3; i++) {
        numbers[i] = copy_numbers(lists[i], counts + i);
        if (!numbers[i]) {
            goto done;
        }
    }
    if (!counts[0] || counts[0] != counts[1] || counts[0] != counts[2]) {
        PyErr_SetString(PyExc_ValueError, "no scores, or not as many slopes and intercepts");
        goto done;
    }
    const double *slopes = numbers[0], *intercepts = numbers[1];
    double *found = numbers[2];
    for (Py_ssize_t i = 0; i < counts[2]; i++) {
        found[i] = 1.0 / (1.0 + exp(slopes[i] * found[i] + intercepts[i]));
    }
    if (counts[2] == 1) {
        answer = list_numbers((double[]){1.0 - found[0], found[0]}, 2);
    } else {
        share(found, counts[2]);
        answer = list_numbers(found, counts[2]);
    }
done:
    for (int i = 0; i < 3; i++) {
        PyMem_Free(numbers[i]);
    }
    return answer;
}
