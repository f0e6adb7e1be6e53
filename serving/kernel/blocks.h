/* A frozen file's checked blocks. */
#ifndef QUICKTHAW_BLOCKS_H
#define QUICKTHAW_BLOCKS_H

#include "kernel.h"

enum { BLOCK = 4096 }; /* bytes, as file.py has it */

typedef struct {
    Py_ssize_t number; /* of the block that is kept; -1 of none */
    PyObject *kept;
    const char *bytes;
} Slot;

/* The blocks that were asked for last, each in the one slot that its number may have. */
typedef struct {
    PyObject *load; /* a block's number to its bytes, checked */
    Slot *slots;
    Py_ssize_t count; /* a power of two */
} Blocks;

/* -1 with an exception set. */
int open_blocks(Blocks *blocks, PyObject *load, Py_ssize_t kept);
int keep_blocks(Blocks *blocks, Py_ssize_t kept); /* from now on; never fewer than before */
void close_blocks(Blocks *blocks);
int visit_blocks(Blocks *blocks, visitproc visit, void *arg);

/* Whether bytes stand in more than one block. */
static inline int is_cut(uint64_t start, size_t count) { return start % BLOCK + count > BLOCK; }

/* `count` bytes from `start` on, copied to `spare` where they are cut. A block that is not kept is
 * loaded. NULL with an exception set. */
const char *read_bytes(Blocks *blocks, uint64_t start, size_t count, void *spare);

/* The slot that a block's number may have. */
static inline Slot *find_slot(const Blocks *blocks, Py_ssize_t number) {
    return blocks->slots + (number & (blocks->count - 1));
}

/* As `read_bytes`, without a call where they stand in one block that is kept: nearly always. Good
 * until Python runs again: another thread may read a block, or ask for more slots. The caller checks
 * that they are of its section. */
static inline const char *find_bytes(Blocks *blocks, uint64_t start, size_t count, void *spare) {
    Py_ssize_t number = (Py_ssize_t)(start / BLOCK);
    const Slot *slot = find_slot(blocks, number);
    return slot->number == number && !is_cut(start, count)
               ? slot->bytes + start % BLOCK
               : read_bytes(blocks, start, count, spare);
}

#endif
