/* What a model sees of a picture: app/pictures/reference.py and the modules that it takes. Functions
 * have the names that they have there, and say here only what is different. */
#ifndef QUICKTHAW_PICTURES_H
#define QUICKTHAW_PICTURES_H

#include "kernel.h"
#include <stdlib.h>

enum { LEVELS = 256, LARGEST = 255 };
enum { FAINTEST = 12 }; /* of levels.py */
enum { FAILED = -1, NOTHING, FOUND };

typedef int64_t Number;
typedef uint32_t Counts[LEVELS]; /* how many pixels there are of each level */
typedef unsigned char Table[LEVELS];

typedef struct {
    Number width, height;
    unsigned char *grey;
} Picture;

typedef struct {
    Number left, top, right, bottom; /* the last two are outside */
} Box;

/* All memory of one picture's making, freed at once. */
typedef struct Piece Piece;

static inline Number least(Number one, Number other) { return one < other ? one : other; }
static inline Number most(Number one, Number other) { return one > other ? one : other; }
static inline Number count_pixels(Picture picture) { return picture.width * picture.height; }

/* Rounded down, as Python does it; the divisor is above zero. */
static inline Number divide(Number number, Number by) {
    return number / by - (number % by < 0);
}

/* NULL with an exception set. What gives a picture gives one without pixels then. */
void *take(Piece **last, Number size);
void free_all(Piece *last);

/* levels.py and pixels.py: of pixels.c */
void count(const unsigned char *values, Number number, Number step, uint32_t *counts);
Number find_sorted(const uint32_t *counts, Number place); /* the value at a place of the sorted */
Number median(const unsigned char *values, Number number, Number step);
void list_strengths(Number paper, Number full, Table table);
void translate(Picture picture, const Table table);
Number list_border(Picture picture, unsigned char *border); /* how many pixels it has */
Picture make_picture(Piece **memory, Number width, Number height); /* to be filled */
Picture cut(Piece **memory, Picture picture, Box box);
Picture reduce(Piece **memory, Picture picture, Number factor);
Picture scale(Piece **memory, Picture picture, Number width, Number height);
void put(Picture small, Number left, Number top, Picture page);

/* paper.py and shadows.py: a picture whose levels are how far each pixel is from the paper, and its
 * border. The sign is found where it is 0. */
int find_depths(Piece **memory, Picture picture, unsigned char *border, int *sign, Picture *depths);

/* signs.py and groups.py */
int find_ink(Piece **memory, Picture picture, int *sign, Picture *page, Box *box);

#endif
