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

/* Copies the bytes from `start` on; the caller checks that they are of its section. -1 with an
 * exception set. */
int read_bytes(Blocks *blocks, uint64_t start, size_t count, void *to);

/* Whether the bytes from `start` on are these; -1 with an exception set. */
int is_same(Blocks *blocks, uint64_t start, const char *bytes, size_t count);

/* `count` bytes from `start` on: in the block itself, where they stand in one, else copied to
 * `spare`. Good until another block is read. NULL with an exception set. */
const char *find_bytes(Blocks *blocks, uint64_t start, size_t count, void *spare);

#endif
