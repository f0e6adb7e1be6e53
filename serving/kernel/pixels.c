/* Levels and pixels of pictures: app/pictures/levels.py and pixels.py. */
#include "pictures.h"
#include <stddef.h>

enum { FEW = 32 };

struct Piece {
    struct Piece *before;
    max_align_t memory[];
};

void *take(Piece **last, Number size) {
    Piece *piece = PyMem_Malloc(sizeof *piece + (size_t)size);
    if (!piece) {
        PyErr_NoMemory();
        return NULL;
    }
    piece->before = *last;
    *last = piece;
    return piece->memory;
}

void free_all(Piece *last) {
    while (last) {
        Piece *before = last->before;
        PyMem_Free(last);
        last = before;
    }
}

Picture make_picture(Piece **memory, Number width, Number height) {
    return (Picture){width, height, take(memory, width * height)};
}

/* In four parts: most pixels are of one level, and one sum would wait for itself each time. */
void count(const unsigned char *values, Number number, Number step, uint32_t *counts) {
    Counts parts[4] = {0};
    for (; number >= 4; number -= 4, values += 4 * step) {
        for (int i = 0; i < 4; i++) {
            parts[i][values[i * step]]++;
        }
    }
    for (; number; number--, values += step) {
        parts[0][*values]++;
    }
    for (int level = 0; level < LEVELS; level++) {
        counts[level] = parts[0][level] + parts[1][level] + parts[2][level] + parts[3][level];
    }
}

Number find_sorted(const uint32_t *counts, Number place) {
    Number level = 0;
    for (Number seen = counts[0]; seen <= place && level < LARGEST; seen += counts[level]) {
        level++;
    }
    return level;
}

Number median(const unsigned char *values, Number number, Number step) {
    if (number > FEW) {
        Counts counts;
        count(values, number, step, counts);
        return find_sorted(counts, number / 2);
    }
    unsigned char sorted[FEW];
    for (Number i = 0; i < number; i++, values += step) {
        Number place = i;
        for (; place && sorted[place - 1] > *values; place--) {
            sorted[place] = sorted[place - 1];
        }
        sorted[place] = *values;
    }
    return sorted[number / 2];
}

void list_strengths(Number paper, Number full, Table table) {
    for (Number level = 0; level < LEVELS; level++) {
        Number rise = level < full ? LARGEST * (level - paper) / (full - paper) : LARGEST;
        table[level] = (unsigned char)(level < paper ? 0 : rise);
    }
}

void translate(Picture picture, const Table table) {
    for (Number i = 0, end = count_pixels(picture); i < end; i++) {
        picture.grey[i] = table[picture.grey[i]];
    }
}

Number list_border(Picture picture, unsigned char *border) {
    Number width = picture.width, height = picture.height, last = (height - 1) * width;
    memcpy(border, picture.grey, (size_t)width);
    memcpy(border + width, picture.grey + last, (size_t)width);
    for (Number y = 0; y < height; y++) {
        border[2 * width + y] = picture.grey[y * width];
        border[2 * width + height + y] = picture.grey[y * width + width - 1];
    }
    return 2 * (width + height);
}

Picture cut(Piece **memory, Picture picture, Box box) {
    Picture made = make_picture(memory, box.right - box.left, box.bottom - box.top);
    for (Number y = 0; made.grey && y < made.height; y++) {
        const unsigned char *from = picture.grey + (box.top + y) * picture.width + box.left;
        memcpy(made.grey + y * made.width, from, (size_t)made.width);
    }
    return made;
}

Picture reduce(Piece **memory, Picture picture, Number factor) {
    if (factor == 1) {
        return picture;
    }
    Number across = least(factor, picture.width), down = least(factor, picture.height);
    Picture made = make_picture(memory, picture.width / across, picture.height / down);
    Number *sums = take(memory, made.width * (Number)sizeof *sums);
    for (Number row = 0; made.grey && sums && row < made.height; row++) {
        memset(sums, 0, (size_t)made.width * sizeof *sums);
        for (Number y = row * down; y < (row + 1) * down; y++) {
            const unsigned char *from = picture.grey + y * picture.width;
            for (Number x = 0; x < made.width; x++, from += across) {
                for (Number i = 0; i < across; i++) {
                    sums[x] += from[i];
                }
            }
        }
        for (Number x = 0; x < made.width; x++) {
            made.grey[row * made.width + x] = (unsigned char)(sums[x] / (across * down));
        }
    }
    return sums ? made : (Picture){0};
}

/* Of each of `new` numbers the sum of `old` ones, times how much of them it covers. */
static void sum_shares(const Number *values, Number step, Number old, Number new, Number *sums) {
    Number sum = 0, before = 0, place = 0;
    for (Number k = 1; k <= new; k++) {
        for (Number end = k * old / new; place < end; place++) {
            sum += values[place * step];
        }
        Number part = k * old % new, upto = sum * new + (part ? values[place * step] * part : 0);
        sums[(k - 1) * step] = upto - before;
        before = upto;
    }
}

Picture scale(Piece **memory, Picture picture, Number width, Number height) {
    if (picture.width == width && picture.height == height) {
        return picture;
    }
    Number area = count_pixels(picture), wide = most(width, picture.width);
    Picture made = make_picture(memory, width, height);
    Number size = wide * most(height, picture.height) * (Number)sizeof(Number);
    Number *lines = take(memory, size), *columns = take(memory, size);
    if (!made.grey || !lines || !columns) {
        return (Picture){0};
    }
    for (Number y = 0; y < picture.height; y++) {
        for (Number x = 0; x < picture.width; x++) {
            columns[x] = picture.grey[y * picture.width + x];
        }
        sum_shares(columns, 1, picture.width, width, lines + y * wide);
    }
    for (Number x = 0; x < width; x++) {
        sum_shares(lines + x, wide, picture.height, height, columns + x);
    }
    for (Number y = 0; y < height; y++) {
        for (Number x = 0; x < width; x++) {
            Number sum = columns[y * wide + x];
            made.grey[y * width + x] = (unsigned char)((2 * sum + area) / (2 * area));
        }
    }
    return made;
}

void put(Picture small, Number left, Number top, Picture page) {
    for (Number y = 0; y < small.height; y++) {
        unsigned char *to = page.grey + (top + y) * page.width + left;
        memcpy(to, small.grey + y * small.width, (size_t)small.width);
    }
}
