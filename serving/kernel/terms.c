/* A vocabulary, and what a text's terms weigh: ops/vectorize.py. */
#include "blocks.h"
#include <math.h>
#include <stdlib.h>

enum { NO_NORM, L1, L2 };
enum { U32 = 4, F64 = 8, FREQUENT = 64, FEW = 48 };
enum { BYTES = 256 };  /* that there are */
enum { SHORTEST = 2 }; /* letters of a word, as features.split_words has it */
enum { MAX_BUCKET = 65536 }; /* as vocabulary.py has it */

typedef struct {
    PyObject_HEAD
    Blocks blocks;
    PyObject *frequencies; /* the number of times that a term is there to its frequency */
    double frequency[FREQUENT]; /* of few times, once they were asked for */
    char asked[FREQUENT];
    uint64_t terms, terms_end, buckets, bucket_count;
    int norm;
} Terms;

typedef struct {
    uint32_t column, place; /* in the text */
    uint64_t entry;         /* where it begins in the file: no other term's does */
    double value;           /* its idf, then what it weighs */
} Hit;

/* A term's UTF-8 as one little-endian number, modulo. */
static uint64_t find_bucket(const char *key, size_t size, uint64_t buckets) {
    uint64_t rest = 0;
    size_t left = size;
    while (left % U32) { /* three at most, the number's highest */
        rest = rest << 8 | (unsigned char)key[--left];
    }
    for (; left; left -= U32) {
        rest = (rest << 32 | read_u32(key + left - U32)) % buckets;
    }
    return rest % buckets;
}

static int refuse(const char *why) {
    PyErr_SetString(PyExc_ValueError, why);
    return -1;
}

/* Whether a bucket's bytes, which begin at `start` in the file, have a term: its entry, column and
 * idf. -1 with an exception set. */
static int search(const char *bucket, uint64_t start, size_t count, const char *key, size_t size,
                  Hit *hit) {
    for (size_t at = 0; at < count;) {
        uint64_t left = count - at, length = left < U32 ? left : read_u32(bucket + at);
        if (left < U32 + length + U32 + F64) {
            return refuse("a term out of its bucket");
        }
        const char *term = bucket + at + U32, *tail = term + length;
        if (length == size && memcmp(term, key, size) == 0) {
            hit->entry = start + at;
            hit->column = read_u32(tail);
            hit->value = read_f64(tail + U32);
            return 1;
        }
        at += U32 + length + U32 + F64;
    }
    return 0;
}

/* Whether the vocabulary has a term: its entry, column and idf. -1 with an exception set. */
static int find_term(Terms *self, const char *key, size_t size, Hit *hit) {
    char spare[2 * U32], *copy = NULL;
    uint64_t place = self->buckets + find_bucket(key, size, self->bucket_count) * U32;
    const char *bounds = find_bytes(&self->blocks, place, sizeof spare, spare);
    if (!bounds) {
        return -1;
    }
    uint64_t start = self->terms + read_u32(bounds), end = self->terms + read_u32(bounds + U32);
    if (start > end || end - start > MAX_BUCKET || end > self->terms_end) {
        return refuse("a bucket out of its section");
    }
    if (start == end) { /* there need not be a block */
        return 0;
    }
    size_t count = (size_t)(end - start);
    if (is_cut(start, count) && !(copy = PyMem_Malloc(count))) {
        PyErr_NoMemory();
        return -1;
    }
    const char *bucket = find_bytes(&self->blocks, start, count, copy);
    int found = bucket ? search(bucket, start, count, key, size, hit) : -1;
    if (copy) { /* few buckets are cut */
        PyMem_Free(copy);
    }
    return found;
}

/* The same of a string; lone surrogates have bytes, too. */
static int find_string(Terms *self, PyObject *term, Hit *hit) {
    Py_ssize_t size;
    const char *key = PyUnicode_AsUTF8AndSize(term, &size);
    if (key) {
        return find_term(self, key, (size_t)size, hit);
    }
    PyErr_Clear();
    PyObject *encoded = PyUnicode_AsEncodedString(term, "utf-8", "surrogatepass");
    char *bytes;
    int found = -1;
    if (encoded && PyBytes_AsStringAndSize(encoded, &bytes, &size) == 0) {
        found = find_term(self, bytes, (size_t)size, hit);
    }
    Py_XDECREF(encoded);
    return found;
}

static int find_frequency(Terms *self, Py_ssize_t times, double *frequency) {
    int few = times < FREQUENT;
    if (few && self->asked[times]) {
        *frequency = self->frequency[times];
        return 0;
    }
    PyObject *count = PyLong_FromSsize_t(times);
    PyObject *found = count ? PyObject_GetItem(self->frequencies, count) : NULL;
    *frequency = found ? PyFloat_AsDouble(found) : -1.0;
    Py_XDECREF(found);
    Py_XDECREF(count);
    if (*frequency == -1.0 && PyErr_Occurred()) {
        return -1;
    }
    if (few) {
        self->frequency[times] = *frequency;
        self->asked[times] = 1;
    }
    return 0;
}

static int is_after(const Hit *one, const Hit *other) {
    return one->column != other->column ? one->column > other->column : one->entry > other->entry;
}

/* By column and entry, those of one entry as they come: in the order of the text. */
static void sort_few(Hit *hits, size_t count) {
    for (size_t i = 1; i < count; i++) {
        Hit hit = hits[i];
        size_t j = i;
        for (; j && is_after(hits + j - 1, &hit); j--) {
            hits[j] = hits[j - 1];
        }
        hits[j] = hit;
    }
}

static int compare(const void *one, const void *other) {
    const Hit *a = one, *b = other;
    int after = is_after(a, b), before = is_after(b, a);
    return after || before ? after - before : (a->place > b->place) - (a->place < b->place);
}

/* The same of many: by a byte of the column at a time, which compares none with another. After that
 * only entries that share a column may change places. No vocabulary has any; of a forged one they
 * may be all, which would take the square of their number. */
static void sort(Hit *hits, size_t count, Hit *spare) {
    uint32_t columns = 0;
    Hit *from = hits;
    for (size_t i = 0; i < count; i++) {
        columns |= hits[i].column;
    }
    for (int shift = 0; count > FEW && shift < 32 && columns >> shift; shift += 8) {
        uint32_t places[BYTES + 1] = {0};
        for (size_t i = 0; i < count; i++) {
            places[(from[i].column >> shift) % BYTES + 1]++;
        }
        for (int byte = 0; byte < BYTES; byte++) {
            places[byte + 1] += places[byte];
        }
        Hit *to = from == hits ? spare : hits;
        for (size_t i = 0; i < count; i++) {
            to[places[(from[i].column >> shift) % BYTES]++] = from[i];
        }
        from = to;
    }
    if (from != hits) {
        memcpy(hits, from, count * sizeof *hits);
    }
    if (count <= FEW) {
        sort_few(hits, count);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        if (is_after(hits + i - 1, hits + i)) {
            qsort(hits, count, sizeof *hits, compare);
            return;
        }
    }
}

/* By its length, summed one after the other, as scikit-learn does it. */
static void normalize(Hit *hits, size_t count, int norm) {
    double length = 0.0;
    for (size_t i = 0; i < count; i++) {
        length += norm == L2 ? hits[i].value * hits[i].value : fabs(hits[i].value);
    }
    length = norm == L2 ? sqrt(length) : length;
    for (size_t i = 0; length != 0.0 && i < count; i++) {
        hits[i].value /= length;
    }
}

static PyObject *list_hits(const Hit *hits, size_t count, Py_ssize_t terms, Py_ssize_t unknown) {
    PyObject *columns = PyList_New((Py_ssize_t)count), *values = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; columns && values && i < count; i++) {
        PyObject *column = PyLong_FromUnsignedLong(hits[i].column);
        PyObject *value = PyFloat_FromDouble(hits[i].value);
        /* Both take what they are given, NULL too. */
        PyList_SetItem(columns, (Py_ssize_t)i, column);
        PyList_SetItem(values, (Py_ssize_t)i, value);
        if (!column || !value) {
            Py_CLEAR(columns);
        }
    }
    if (columns && values) {
        return Py_BuildValue("(NNnn)", columns, values, terms, unknown);
    }
    Py_XDECREF(columns);
    Py_XDECREF(values);
    return NULL;
}

/* The terms of a list that are known, into `hits`: how many; -1 with an exception set. */
static Py_ssize_t look_up(Terms *self, PyObject *terms, Py_ssize_t count, Hit *hits) {
    Py_ssize_t known = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *term = PyList_GetItemRef(terms, i); /* what reads blocks may change the list */
        int found = term ? find_string(self, term, hits + known) : -1;
        Py_XDECREF(term);
        if (found < 0) {
            return -1;
        }
        hits[known].place = (uint32_t)known;
        known += found;
    }
    return known;
}

static int is_letter(char one) { return one >= 'a' && one <= 'z'; }

/* Capitals of ASCII as small letters, all else as it is, and a zero. */
static void lower(const char *text, size_t size, char *lowered) {
    lowered[size] = 0;
    for (size_t i = 0; i < size; i++) {
        int is_capital = text[i] >= 'A' && text[i] <= 'Z';
        lowered[i] = (char)(text[i] + (is_capital ? 'a' - 'A' : 0));
    }
}

/* The same of the words of a text that a zero ends, each of two small letters or more; `count` is
 * set to how many there are. */
static Py_ssize_t look_up_words(Terms *self, const char *text, size_t size, Py_ssize_t *count,
                                Hit *hits) {
    Py_ssize_t known = 0;
    for (size_t at = 0, end; at < size; at = end + 1) {
        for (end = at; is_letter(text[end]); end++) {
            ; /* the zero is none */
        }
        if (end - at < SHORTEST) {
            continue;
        }
        int found = find_term(self, text + at, end - at, hits + known);
        if (found < 0) {
            return -1;
        }
        hits[known].place = (uint32_t)known;
        known += found;
        ++*count;
    }
    return known;
}

/* The same of a text whose capitals may be of ASCII alone. */
static Py_ssize_t look_up_text(Terms *self, const char *text, size_t size, Py_ssize_t *count,
                               Hit *hits) {
    char *lowered = PyMem_Malloc(size + 1);
    if (!lowered) {
        PyErr_NoMemory();
        return -1;
    }
    lower(text, size, lowered);
    Py_ssize_t known = look_up_words(self, lowered, size, count, hits);
    PyMem_Free(lowered);
    return known;
}

/* Sorted hits to one a column, with what it weighs: how many; -1 with an exception set. */
static Py_ssize_t weigh(Terms *self, Hit *hits, Py_ssize_t known) {
    Py_ssize_t count = 0;
    for (Py_ssize_t first = 0, next; first < known; first = next) {
        Hit hit = hits[first];
        for (next = first + 1; next < known && hits[next].entry == hit.entry; next++) {
            ;
        }
        double frequency;
        if (find_frequency(self, next - first, &frequency) < 0) {
            return -1;
        }
        hit.value *= frequency;
        /* Of terms with one column, which no vocabulary has, the last one to be met counts. */
        if (!count || hits[count - 1].column != hit.column) {
            hits[count++] = hit;
        } else if (hits[count - 1].place < hit.place) {
            hits[count - 1] = hit;
        }
    }
    return count;
}

/* The columns of known terms with what they weigh, in order: how many. -1 with an exception set,
 * as where the look-up has set one. */
static Py_ssize_t finish(Terms *self, Hit *hits, Py_ssize_t known) {
    if (known >= 0) {
        sort(hits, (size_t)known, hits + known);
        known = weigh(self, hits, known);
    }
    if (known >= 0 && self->norm != NO_NORM) {
        normalize(hits, (size_t)known, self->norm);
    }
    return known;
}

/* What is known of terms: a list of them, or the text whose words they are. */
typedef struct {
    Hit *hits; /* one a column, and room to sort them; freed by PyMem_Free */
    Py_ssize_t columns, terms, unknown;
} Known;

/* -1 with an exception set; `hits` are there or NULL in any case. */
static int find_known(Terms *self, PyObject *terms, Known *known) {
    char *text;
    Py_ssize_t size = 0, most;
    int is_text = PyBytes_Check(terms);
    *known = (Known){0};
    if (is_text) {
        if (PyBytes_AsStringAndSize(terms, &text, &size) < 0) {
            return -1;
        }
        /* Each word but the last takes a byte more than its letters. */
        most = size / (SHORTEST + 1) + 1;
    } else if (PyList_Check(terms)) {
        most = known->terms = PyList_Size(terms);
    } else {
        PyErr_SetString(PyExc_TypeError, "terms come as a list, or as a text's bytes");
        return -1;
    }
    known->hits = PyMem_Malloc((size_t)(2 * most + 1) * sizeof *known->hits);
    if (!known->hits) {
        PyErr_NoMemory();
        return -1;
    }
    Py_ssize_t found =
        is_text ? look_up_text(self, text, (size_t)size, &known->terms, known->hits)
                : look_up(self, terms, known->terms, known->hits);
    known->unknown = known->terms - found;
    known->columns = finish(self, known->hits, found);
    return known->columns < 0 ? -1 : 0;
}

static PyObject *terms_weigh(PyObject *object, PyObject *terms) {
    Known known;
    PyObject *answer = NULL;
    if (find_known((Terms *)object, terms, &known) == 0) {
        answer = list_hits(known.hits, (size_t)known.columns, known.terms, known.unknown);
    }
    PyMem_Free(known.hits);
    return answer;
}

static PyObject *terms_score(PyObject *object, PyObject *args) {
    Known known;
    PyObject *terms, *weights, *scores = NULL;
    if (!PyArg_ParseTuple(args, "OO", &terms, &weights)) {
        return NULL;
    }
    if (find_known((Terms *)object, terms, &known) == 0) {
        Cell *cells = PyMem_Malloc((size_t)(known.columns + 1) * sizeof *cells);
        for (Py_ssize_t i = 0; cells && i < known.columns; i++) {
            cells[i] = (Cell){known.hits[i].column, known.hits[i].value};
        }
        scores = cells ? score_cells(weights, cells, known.columns) : PyErr_NoMemory();
        PyMem_Free(cells);
    }
    PyMem_Free(known.hits);
    return scores ? Py_BuildValue("(Nnn)", scores, known.terms, known.unknown) : NULL;
}

static PyObject *terms_keep(PyObject *object, PyObject *number) {
    Py_ssize_t wanted = PyLong_AsSsize_t(number);
    if (wanted == -1 && PyErr_Occurred()) {
        return NULL;
    }
    return keep_blocks(&((Terms *)object)->blocks, wanted) < 0 ? NULL : Py_NewRef(Py_None);
}

static int fill(PyObject *object, PyObject *args) {
    Terms *self = (Terms *)object;
    PyObject *load, *frequencies;
    unsigned long long terms, terms_end, buckets, buckets_end;
    Py_ssize_t kept;
    int norm;
    if (!PyArg_ParseTuple(args, "OnKKKKOi", &load, &kept, &terms, &terms_end, &buckets,
                          &buckets_end, &frequencies, &norm)) {
        return -1;
    }
    if (terms > terms_end || buckets > buckets_end || buckets_end > UINT32_MAX * (uint64_t)BLOCK ||
        terms_end > UINT32_MAX * (uint64_t)BLOCK || (buckets_end - buckets) / U32 < 2) {
        return refuse("a section of another size");
    }
    if ((buckets_end - buckets) / U32 > UINT32_MAX) {
        return refuse("too many buckets");
    }
    self->terms = terms;
    self->terms_end = terms_end;
    self->buckets = buckets;
    self->bucket_count = (buckets_end - buckets) / U32 - 1;
    self->norm = norm;
    self->frequencies = Py_NewRef(frequencies);
    return open_blocks(&self->blocks, load, kept);
}

static PyObject *terms_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    return make(type, args, keywords, fill);
}

static int terms_traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT((PyObject *)Py_TYPE(object));
    Py_VISIT(((Terms *)object)->frequencies);
    return visit_blocks(&((Terms *)object)->blocks, visit, arg);
}

static int terms_clear(PyObject *object) {
    Py_CLEAR(((Terms *)object)->frequencies);
    Py_CLEAR(((Terms *)object)->blocks.load);
    return 0;
}

static void terms_free(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    close_blocks(&((Terms *)object)->blocks);
    Py_CLEAR(((Terms *)object)->frequencies);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"weigh", terms_weigh, METH_O, "Terms to columns, values, their number, how many are unknown."},
    {"score", terms_score, METH_VARARGS, "Terms to their scores by weights, and the same numbers."},
    {"keep", terms_keep, METH_O, "Keep so many blocks from now on."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, (void *)terms_new},       {Py_tp_dealloc, (void *)terms_free},
    {Py_tp_traverse, (void *)terms_traverse}, {Py_tp_clear, (void *)terms_clear},
    {Py_tp_methods, methods},               {0, NULL},
};
PyType_Spec terms_spec = {
    .name = "_kernel.Terms",
    .basicsize = sizeof(Terms),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};
