/* What a model sees of a picture: app/pictures/reference.py and pens.py. */
#include "pictures.h"

enum { MAX_PIXELS = 1 << 26 }; /* more than are ever read; no number of theirs leaves its type */
enum { SHARE = 20, WHOLE = 28, SEARCHED = 96, LOOKED_AT = 48, MARGIN = 4 }; /* of reference.py */
enum { PIXEL = 16, THIN = 22, WANTED = 30, STRONG = 224 };                  /* of pens.py */

static Picture fit(Number width, Number height, Number most_wide, Number most_high) {
    if (width * most_high >= height * most_wide) {
        return (Picture){most_wide, most(1, (2 * height * most_wide + width) / (2 * width)), NULL};
    }
    return (Picture){most(1, (2 * width * most_high + height) / (2 * height)), most_high, NULL};
}

static Number measure_thickness(Picture drawn) {
    Number area = 0, edge = 0;
    for (Number y = 0; y < drawn.height; y++) {
        const unsigned char *row = drawn.grey + y * drawn.width;
        for (Number x = 0; x < drawn.width; x++) {
            int here = row[x] > LARGEST / 2;
            int left = x && row[x - 1] > LARGEST / 2;
            int up = y && row[x - drawn.width] > LARGEST / 2;
            area += here;
            edge += (here != left) + (here != up);
            edge += here && x == drawn.width - 1;
            edge += here && y == drawn.height - 1;
        }
    }
    return edge ? 2 * area * PIXEL * 14 / (11 * edge) : 0;
}

/* The ink with an edge more: the strongest of each pixel and of its neighbours, these weakened. */
static void thicken(Picture drawn, Picture made, Number by) {
    const Number aside[][2] = {{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    memset(made.grey, 0, (size_t)count_pixels(made));
    for (Number y = 0; y < drawn.height; y++) {
        for (Number x = 0; x < drawn.width; x++) {
            Number level = drawn.grey[y * drawn.width + x], weak = level * by / PIXEL;
            for (size_t i = 0; level && i < sizeof aside / sizeof *aside; i++) {
                Number place = (y + 1 + aside[i][1]) * made.width + x + 1 + aside[i][0];
                made.grey[place] = (unsigned char)most(made.grey[place], i ? weak : level);
            }
        }
    }
}

static Picture even_strokes(Piece **memory, Picture drawn, Number longest) {
    Number side = most(drawn.width, drawn.height);
    Number thickness = measure_thickness(drawn) * longest / side;
    if (thickness <= 0 || thickness >= THIN) {
        return drawn;
    }
    Number missing = (WANTED - thickness) * side / (2 * longest), edges = 2 * (missing / PIXEL + 1);
    Number largest = (drawn.width + edges) * (drawn.height + edges);
    unsigned char *pages[] = {take(memory, largest), take(memory, largest)};
    if (!pages[0] || !pages[1]) {
        return (Picture){0};
    }
    for (int turn = 0; missing > 0; missing -= PIXEL, turn = !turn) {
        Picture made = {drawn.width + 2, drawn.height + 2, pages[turn]};
        thicken(drawn, made, least(missing, PIXEL));
        drawn = made;
    }
    return drawn;
}

static void strengthen(Picture sign) {
    Number strongest = 0;
    for (Number i = 0; i < count_pixels(sign); i++) {
        strongest = most(strongest, sign.grey[i]);
    }
    if (strongest && strongest < STRONG) {
        Table strengths;
        list_strengths(0, strongest, strengths);
        translate(sign, strengths);
    }
}

static Box widen(Box box, Number factor, Picture picture) {
    Number wide = (box.right - box.left) * factor, high = (box.bottom - box.top) * factor;
    Number margin = most(2 * factor, most(wide, high) / MARGIN);
    return (Box){
        most(0, box.left * factor - margin),
        most(0, box.top * factor - margin),
        least(picture.width, box.right * factor + margin),
        least(picture.height, box.bottom * factor + margin),
    };
}

static int look_closely(Piece **memory, Picture picture, Picture *drawn) {
    Number side = most(picture.width, picture.height), factor = (side + SEARCHED - 1) / SEARCHED;
    int sign = 0;
    Picture page, small = reduce(memory, picture, factor);
    Box box;
    int found = small.grey ? find_ink(memory, small, &sign, &page, &box) : FAILED;
    if (found != FOUND) {
        return found;
    }
    Number longest = factor * most(box.right - box.left, box.bottom - box.top);
    if (factor > 1 || side > 2 * longest) {
        Picture closer, part = cut(memory, picture, widen(box, factor, picture));
        Box inner;
        part = part.grey ? reduce(memory, part, most(1, longest / LOOKED_AT)) : part;
        found = part.grey ? find_ink(memory, part, &sign, &closer, &inner) : FAILED;
        if (found == FAILED) {
            return found;
        }
        if (found == FOUND) {
            page = closer;
            box = inner;
        }
    }
    *drawn = cut(memory, page, box);
    return drawn->grey ? FOUND : FAILED;
}

/* Where to start on an axis, so that the centre of mass is in the middle of a side. */
static Number find_start(Picture sign, int across, Number side) {
    Number mass = 0, moment = 0;
    for (Number y = 0; y < sign.height; y++) {
        for (Number x = 0; x < sign.width; x++) {
            mass += sign.grey[y * sign.width + x];
            moment += sign.grey[y * sign.width + x] * (across ? x : y);
        }
    }
    mass = mass ? mass : 1;
    Number start = divide(side * mass - 2 * moment + mass, 2 * mass);
    return least(side - (across ? sign.width : sign.height), most(0, start));
}

static int ink_page(Piece **memory, Picture picture, Picture page) {
    Picture drawn;
    int found = look_closely(memory, picture, &drawn);
    if (found != FOUND) {
        return found;
    }
    Number most_wide = most(1, page.width * SHARE / WHOLE);
    Number most_high = most(1, page.height * SHARE / WHOLE);
    Picture size = fit(drawn.width, drawn.height, most_wide, most_high);
    drawn = even_strokes(memory, drawn, most(size.width, size.height));
    if (!drawn.grey) {
        return FAILED;
    }
    size = fit(drawn.width, drawn.height, most_wide, most_high);
    Picture sign = scale(memory, drawn, size.width, size.height);
    if (!sign.grey) {
        return FAILED;
    }
    strengthen(sign);
    put(sign, find_start(sign, 1, page.width), find_start(sign, 0, page.height), page);
    return FOUND;
}

static int resize_page(Piece **memory, Picture picture, Picture page) {
    Picture size = fit(picture.width, picture.height, page.width, page.height);
    Number across = picture.width / (4 * size.width), down = picture.height / (4 * size.height);
    Picture small = reduce(memory, picture, most(1, least(across, down)));
    unsigned char *border = take(memory, 2 * (picture.width + picture.height));
    small = small.grey ? scale(memory, small, size.width, size.height) : small;
    if (!small.grey || !border) {
        return FAILED;
    }
    Number background = median(border, list_border(picture, border), 1);
    memset(page.grey, (int)background, (size_t)count_pixels(page));
    put(small, (page.width - size.width) / 2, (page.height - size.height) / 2, page);
    return FOUND;
}

static PyObject *prepare(PyObject *args, int (*fill)(Piece **, Picture, Picture)) {
    Py_buffer grey;
    Py_ssize_t width, height, wide, high;
    if (!PyArg_ParseTuple(args, "y*nnnn", &grey, &width, &height, &wide, &high)) {
        return NULL;
    }
    PyObject *made = NULL;
    if (width < 1 || height < 1 || width > MAX_PIXELS || height > MAX_PIXELS ||
        width * height > MAX_PIXELS || width * height != grey.len) {
        PyErr_SetString(PyExc_ValueError, "no picture of this size");
    } else if (wide < 1 || high < 1 || wide > MAX_PIXELS || high > MAX_PIXELS ||
               wide * high > MAX_PIXELS) {
        PyErr_SetString(PyExc_ValueError, "no frame of this size");
    } else {
        made = PyBytes_FromStringAndSize(NULL, wide * high);
    }
    if (made) {
        Piece *memory = NULL;
        Picture page = {wide, high, memset(PyBytes_AsString(made), 0, (size_t)(wide * high))};
        if (fill(&memory, (Picture){width, height, grey.buf}, page) == FAILED) {
            Py_CLEAR(made);
        }
        free_all(memory);
    }
    PyBuffer_Release(&grey);
    return made;
}

PyObject *ink(PyObject *Py_UNUSED(module), PyObject *args) { return prepare(args, ink_page); }

PyObject *resize(PyObject *Py_UNUSED(module), PyObject *args) { return prepare(args, resize_page); }
