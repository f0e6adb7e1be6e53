#include "blocks.h"

static const char *load_block(Blocks *blocks, Py_ssize_t number) {
    char *bytes;
    Py_ssize_t size;
    PyObject *found = PyObject_CallFunction(blocks->load, "n", number);
    if (!found) {
        return NULL;
    }
    if (PyBytes_AsStringAndSize(found, &bytes, &size) < 0 || size != BLOCK) {
        Py_DECREF(found);
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "a block of another size");
        }
        return NULL;
    }
    /* Found now: while it was loaded, another thread may have asked for more slots. */
    Slot *slot = find_slot(blocks, number);
    PyObject *before = slot->kept;
    *slot = (Slot){number, found, bytes};
    Py_XDECREF(before);
    return bytes;
}

static const char *find_block(Blocks *blocks, uint64_t wanted) {
    Py_ssize_t number = (Py_ssize_t)wanted;
    const Slot *slot = find_slot(blocks, number);
    return slot->number == number ? slot->bytes : load_block(blocks, number);
}

int open_blocks(Blocks *blocks, PyObject *load, Py_ssize_t kept) {
    blocks->load = Py_NewRef(load);
    return keep_blocks(blocks, kept);
}

static void free_slots(Slot *slots, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_XDECREF(slots[i].kept);
    }
    PyMem_Free(slots);
}

int keep_blocks(Blocks *blocks, Py_ssize_t kept) {
    Py_ssize_t count = 1, before = blocks->count;
    while (count < kept && count < PY_SSIZE_T_MAX / 4 / (Py_ssize_t)sizeof(Slot)) {
        count *= 2;
    }
    if (count <= before) {
        return 0;
    }
    Slot *slots = PyMem_Malloc((size_t)count * sizeof *slots), *old = blocks->slots;
    if (!slots) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        slots[i] = (Slot){.number = -1};
    }
    blocks->slots = slots;
    blocks->count = count;
    free_slots(old, before);
    return 0;
}

void close_blocks(Blocks *blocks) {
    free_slots(blocks->slots, blocks->count);
    blocks->slots = NULL;
    blocks->count = 0;
    Py_CLEAR(blocks->load);
}

int visit_blocks(Blocks *blocks, visitproc visit, void *arg) {
    Py_VISIT(blocks->load); /* bytes refer to nothing */
    return 0;
}

static int copy_bytes(Blocks *blocks, uint64_t start, size_t count, char *into) {
    while (count) {
        size_t place = start % BLOCK, part = BLOCK - place < count ? BLOCK - place : count;
        const char *block = find_block(blocks, start / BLOCK);
        if (!block) {
            return -1;
        }
        memcpy(into, block + place, part);
        start += part;
        into += part;
        count -= part;
    }
    return 0;
}

const char *read_bytes(Blocks *blocks, uint64_t start, size_t count, void *spare) {
    if (is_cut(start, count)) {
        return copy_bytes(blocks, start, count, spare) < 0 ? NULL : spare;
    }
    const char *block = find_block(blocks, start / BLOCK);
    return block ? block + start % BLOCK : NULL;
}
