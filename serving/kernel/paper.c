/* How far pixels are from the paper that they are on: app/pictures/paper.py and shadows.py. */
#include "pictures.h"

enum { PARTS = 16, TILES = 8 }; /* of shadows.py */

static Number spread(const unsigned char *values, Number number) {
    Number sum = 0, middle = median(values, number, 1);
    for (Number i = 0; i < number; i++) {
        sum += llabs(values[i] - middle);
    }
    return sum;
}

static Picture even_out(Piece **memory, Picture picture) {
    Number width = picture.width, height = picture.height, last = (height - 1) * width;
    const unsigned char *grey = picture.grey;
    Number across = median(grey + width - 1, height, width) - median(grey, height, width);
    Number down = median(grey + last, width, 1) - median(grey, width, 1);
    if (llabs(across) + llabs(down) <= FAINTEST / 2) {
        return picture;
    }
    Picture level = make_picture(memory, width, height);
    unsigned char *border = take(memory, 2 * (width + height));
    Number *slope = take(memory, width * (Number)sizeof *slope);
    if (!level.grey || !border || !slope) {
        return (Picture){0};
    }
    for (Number x = 0; x < width; x++) {
        slope[x] = divide(across * (2 * x + 1 - width), 2 * width);
    }
    for (Number y = 0; y < height; y++) {
        Number fall = divide(down * (2 * y + 1 - height), 2 * height);
        for (Number x = 0; x < width; x++) {
            Number evened = grey[y * width + x] - slope[x] - fall;
            level.grey[y * width + x] = (unsigned char)most(0, least(evened, LARGEST));
        }
    }
    Number before = spread(border, list_border(picture, border));
    return 2 * spread(border, list_border(level, border)) > before ? picture : level;
}

static int compare(const void *one, const void *other) {
    Number a = *(const Number *)one, b = *(const Number *)other;
    return (a > b) - (a < b);
}

static int has_uneven_paper(Picture picture, const unsigned char *border) {
    if (least(picture.width, picture.height) < 2 * TILES) {
        return 0;
    }
    Number part = 2 * (picture.width + picture.height) / PARTS, medians[PARTS];
    for (Number k = 0; k < PARTS; k++) {
        medians[k] = median(border + k * part, part, 1);
    }
    qsort(medians, PARTS, sizeof *medians, compare);
    return medians[PARTS - 1 - PARTS / 8] - medians[PARTS / 8] > 2 * FAINTEST;
}

static void measure_depths(Picture picture, Number paper, int *sign) {
    if (!*sign) {
        Number moment = 0;
        Counts counts;
        count(picture.grey, count_pixels(picture), 1, counts);
        for (Number level = 0; level < LEVELS; level++) {
            Number depth = level - paper;
            moment += depth * depth * depth * counts[level];
        }
        *sign = moment > 0 ? 1 : -1;
    }
    unsigned char from = (unsigned char)paper;
    for (Number i = 0, end = count_pixels(picture); i < end; i++) {
        unsigned char level = picture.grey[i], low = *sign > 0 ? from : level;
        unsigned char high = *sign > 0 ? level : from;
        picture.grey[i] = high > low ? high - low : 0;
    }
}

/* What measure_local_depths knows of tiles: numbers of theirs, row by row. */
typedef struct {
    Number size, across, down; /* a tile's side in pixels; how many there are */
    Number *levels;
} Tiles;

static Tiles make_tiles(Piece **memory, Picture picture) {
    Number least_side = least(picture.width, picture.height);
    Number size = least(most(picture.width, picture.height) / TILES, least_side / 2);
    Number across = picture.width / size, down = picture.height / size;
    return (Tiles){size, across, down, take(memory, across * down * (Number)sizeof(Number))};
}

/* Above zero where more is lighter than all paper, below where darker; 0: too little is. */
static Number compare_with_border(Picture picture, const unsigned char *border) {
    Number size = 2 * (picture.width + picture.height), few = size / 16, found = 0;
    Counts counts;
    count(border, size, 1, counts);
    Number low = find_sorted(counts, few), high = find_sorted(counts, size - 1 - few);
    for (Number i = 0; i < count_pixels(picture); i++) {
        found += most(0, picture.grey[i] - high) - most(0, low - picture.grey[i]);
    }
    return 100 * llabs(found) > FAINTEST * count_pixels(picture) ? found : 0;
}

/* The paper of each tile by its levels of both signs: a quarter of them lie beyond it. Returned is
 * what weighs all tiles: above zero where the lighter levels are the rare ones. */
static Number measure_tiles(Picture picture, Tiles lighter, Tiles darker, unsigned char *tile) {
    Number size = lighter.size, number = size * size, few = number / 32, weight = 0;
    for (Number i = 0; i < lighter.across * lighter.down; i++) {
        Number top = i / lighter.across * size, left = i % lighter.across * size;
        for (Number y = 0; y < size; y++) {
            const unsigned char *from = picture.grey + (top + y) * picture.width + left;
            memcpy(tile + y * size, from, (size_t)size);
        }
        Counts counts;
        count(tile, number, 1, counts);
        lighter.levels[i] = find_sorted(counts, number / 4);
        darker.levels[i] = find_sorted(counts, number * 3 / 4);
        Number middle = find_sorted(counts, number / 2);
        Number fall = middle - find_sorted(counts, few);
        Number rise = find_sorted(counts, number - 1 - few) - middle;
        weight += rise * rise - fall * fall;
    }
    return weight;
}

/* Of each tile the largest or smallest level of it and its eight neighbours, into `to`. */
static void look_around(Tiles from, Tiles to, Number (*choose)(Number, Number)) {
    for (Number y = 0; y < from.down; y++) {
        for (Number x = 0; x < from.across; x++) {
            Number found = from.levels[y * from.across + x];
            for (Number v = most(0, y - 1); v <= least(from.down - 1, y + 1); v++) {
                for (Number u = most(0, x - 1); u <= least(from.across - 1, x + 1); u++) {
                    found = choose(found, from.levels[v * from.across + u]);
                }
            }
            to.levels[y * from.across + x] = found;
        }
    }
}

/* The tiles before and after a pixel, and its place between their middles. */
typedef struct {
    Number before, after, part;
} Between;

static Between find_between(Number pixel, Number size, Number number) {
    Number place = least(most(0, pixel - size / 2), (number - 1) * size);
    return (Between){place / size, least(place / size + 1, number - 1), place % size};
}

/* The paper's level between the middles of tiles, bilinear, of one row of pixels. */
static void smooth_row(Tiles papers, const Between *across, Between down, Number width,
                       Number *row) {
    const Number *one = papers.levels + down.before * papers.across;
    const Number *other = papers.levels + down.after * papers.across;
    Number size = papers.size;
    for (Number x = 0; x < width; x++) {
        Between at = across[x];
        Number upper = one[at.before] * (size - at.part) + one[at.after] * at.part;
        Number lower = other[at.before] * (size - at.part) + other[at.after] * at.part;
        row[x] = (upper * (size - down.part) + lower * down.part) / (size * size);
    }
}

static int measure_local_depths(Piece **memory, Picture picture, const unsigned char *border,
                                int *sign, Picture depths) {
    Tiles lighter = make_tiles(memory, picture), darker = make_tiles(memory, picture);
    Number size = lighter.size, width = picture.width, lightest = 0;
    unsigned char *tile = take(memory, size * size);
    Number *row = take(memory, width * (Number)sizeof *row);
    Between *across = take(memory, width * (Number)sizeof *across);
    if (!lighter.levels || !darker.levels || !tile || !row || !across) {
        return FAILED;
    }
    Number weight = measure_tiles(picture, lighter, darker, tile);
    if (!*sign) {
        Number sides = compare_with_border(picture, border);
        *sign = (sides ? sides : weight) > 0 ? 1 : -1;
    }
    Tiles papers = *sign > 0 ? lighter : darker, spare = *sign > 0 ? darker : lighter;
    look_around(papers, spare, *sign > 0 ? least : most);
    look_around(spare, papers, *sign > 0 ? most : least);
    for (Number i = 0; i < papers.across * papers.down; i++) {
        lightest = most(lightest, papers.levels[i]);
    }
    for (Number x = 0; x < width; x++) {
        across[x] = find_between(x, size, papers.across);
    }
    for (Number y = 0; y < picture.height; y++) {
        smooth_row(papers, across, find_between(y, size, papers.down), width, row);
        for (Number x = 0; x < width; x++) {
            Number level = picture.grey[y * width + x], paper = row[x], depth = level - paper;
            if (*sign < 0) { /* in a shadow ink is nearer to the paper, by the light missing */
                depth = level < paper ? (paper - level) * lightest / paper : 0;
            }
            depths.grey[y * width + x] = (unsigned char)most(0, depth);
        }
    }
    return FOUND;
}

/* What each of `lines` has at both of its ends is taken out of it. */
static void take_out(unsigned char *grey, Number lines, Number next, Number length, Number step) {
    Number end = length / 8;
    for (; lines && end; lines--, grey += next) {
        const unsigned char *tail = grey + (length - end) * step;
        Number line = least(median(grey, end, step), median(tail, end, step));
        for (Number i = 0; line && i < length; i++) {
            grey[i * step] = (unsigned char)most(0, grey[i * step] - line);
        }
    }
}

static void take_out_lines(Picture depths, const unsigned char *border) {
    Number width = depths.width, height = depths.height, number = 2 * (width + height);
    Counts counts;
    count(border, number, 1, counts);
    if (find_sorted(counts, number - 1) > FAINTEST) {
        take_out(depths.grey, height, width, width, 1);
        take_out(depths.grey, width, 1, height, width);
    }
}

int find_depths(Piece **memory, Picture picture, unsigned char *border, int *sign,
                Picture *depths) {
    picture = even_out(memory, picture);
    if (!picture.grey) {
        return FAILED;
    }
    Number size = list_border(picture, border);
    *depths = cut(memory, picture, (Box){0, 0, picture.width, picture.height});
    if (!depths->grey) {
        return FAILED;
    }
    if (!has_uneven_paper(picture, border)) {
        measure_depths(*depths, median(border, size, 1), sign);
    } else if (measure_local_depths(memory, picture, border, sign, *depths) == FAILED) {
        return FAILED;
    }
    list_border(*depths, border);
    take_out_lines(*depths, border);
    list_border(*depths, border);
    return FOUND;
}
