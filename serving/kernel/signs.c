/* The sign that is drawn in a picture: app/pictures/signs.py, groups.py and, of levels.py, what only
 * these take. */
#include "pictures.h"

/* Neighbouring pixels of ink in a row, and what is known of a group at its root. */
typedef struct {
    Number row, first, last, parent;
    Number mass, counted;
    Box box;
    int chosen;
} Run;

static Number find_root(Run *runs, Number number) {
    while (runs[number].parent != number) {
        runs[number].parent = runs[runs[number].parent].parent;
        number = runs[number].parent;
    }
    return number;
}

/* The runs of a row whose levels are above one, joined with those of the row before that touch
 * them; `number` is how many there are, the last row's from `above` on. */
static Number connect_row(Run *runs, Number number, Number above, Number row, Picture depths,
                          Number level) {
    const unsigned char *line = depths.grey + row * depths.width;
    Number end = number;
    for (Number first = 0, last; first < depths.width; first = last + 1) {
        for (; first < depths.width && line[first] <= level; first++) {
            ;
        }
        for (last = first; last < depths.width && line[last] > level; last++) {
            ;
        }
        if (last == first) {
            break;
        }
        runs[number] = (Run){.row = row, .first = first, .last = last, .parent = number};
        for (Number other = above; other < end && runs[other].first <= last; other++) {
            if (runs[other].last >= first) {
                runs[find_root(runs, other)].parent = number;
            }
        }
        number++;
    }
    return number;
}

static void weigh_groups(Run *runs, Number number, Picture ink) {
    for (Number i = 0; i < number; i++) {
        const Run *run = runs + i;
        Run *root = runs + find_root(runs, i);
        if (!root->box.right) {
            root->box = (Box){run->first, run->row, run->last, 0};
        }
        root->box.left = least(root->box.left, run->first);
        root->box.right = most(root->box.right, run->last);
        root->box.bottom = run->row + 1;
        for (Number x = run->first; x < run->last; x++) {
            root->mass += ink.grey[run->row * ink.width + x];
        }
    }
    for (Number i = 0; i < number; i++) {
        Box box = runs[i].box;
        int inside = least(box.left, box.top) > 0 && box.right < ink.width && box.bottom < ink.height;
        runs[i].counted = inside ? runs[i].mass : runs[i].mass / 4;
    }
}

static Number find_gap(Box one, Box other) {
    Number across = most(one.left, other.left) - least(one.right, other.right);
    Number down = most(one.top, other.top) - least(one.bottom, other.bottom);
    return most(0, most(across, down));
}

static void choose_sign(Run *runs, Number number, Picture ink) {
    weigh_groups(runs, number, ink);
    Number main = 0;
    for (Number i = 0; i < number; i++) {
        Number root = find_root(runs, i);
        main = !i || runs[root].counted > runs[main].counted ? root : main;
    }
    Box box = runs[main].box;
    Number near = most(box.right - box.left, box.bottom - box.top) / 3;
    for (Number i = 0; i < number; i++) {
        Run *root = runs + find_root(runs, i);
        int heavy = 16 * root->counted >= runs[main].counted;
        root->chosen = root == runs + main || (heavy && find_gap(root->box, box) <= near);
    }
}

/* Clears the ink but that of the chosen runs and of the pixels around them. */
static int copy_sign(Piece **memory, Run *runs, Number number, Picture ink) {
    unsigned char *kept = take(memory, count_pixels(ink));
    if (!kept) {
        return FAILED;
    }
    memset(kept, 0, (size_t)count_pixels(ink));
    for (Number i = 0; i < number; i++) {
        if (!runs[find_root(runs, i)].chosen) {
            continue;
        }
        Number left = most(0, runs[i].first - 1), right = least(ink.width, runs[i].last + 1);
        Number last = least(ink.height - 1, runs[i].row + 1);
        for (Number row = most(0, runs[i].row - 1); row <= last; row++) {
            memset(kept + row * ink.width + left, 1, (size_t)(right - left));
        }
    }
    for (Number i = 0; i < count_pixels(ink); i++) {
        ink.grey[i] = kept[i] ? ink.grey[i] : 0;
    }
    return FOUND;
}

/* `most_runs` is how many pixels are above the level. */
static int find_sign(Piece **memory, Picture depths, Picture ink, Number level, Number most_runs) {
    Number above = 0, number = 0, before;
    Run *runs = take(memory, most_runs * (Number)sizeof *runs);
    if (!runs) {
        return FAILED;
    }
    for (Number row = 0; row < depths.height; row++, above = before) {
        before = number;
        number = connect_row(runs, number, above, row, depths, level);
    }
    if (!number) {
        return NOTHING;
    }
    choose_sign(runs, number, ink);
    return copy_sign(memory, runs, number, ink);
}

/* Where ink is looked for there are at most 480 pixels on a side (look_closely). */
static Number find_threshold(const uint32_t *counts) {
    Number number = 0, total = 0, below = 0, weighed = 0, found = 0;
    for (Number level = 0; level < LEVELS; level++) {
        number += counts[level];
        total += level * counts[level];
    }
    __int128 most_between = 0, of = 1;
    for (Number level = 0; level < LEVELS; level++) {
        below += counts[level];
        weighed += level * counts[level];
        __int128 area = below * (number - below), distance = total * below - number * weighed;
        if (counts[level] && area && distance * distance * of > most_between * area) {
            most_between = distance * distance;
            of = area;
            found = level;
        }
    }
    return found;
}

/* The level above the threshold below which nine tenths of the pixels above it lie. */
static Number find_full(const uint32_t *counts, Number threshold) {
    Number wanted = 0, seen = 0, level = threshold + 1;
    for (Number i = level; i < LEVELS; i++) {
        wanted += 9 * counts[i];
    }
    for (; level < LEVELS; level++) {
        seen += 10 * counts[level];
        if (seen >= wanted) {
            break;
        }
    }
    return level;
}

static Box find_box(Picture page) {
    Box box = {page.width, page.height, 0, 0};
    const unsigned char *row = page.grey;
    for (Number y = 0; y < page.height; y++, row += page.width) {
        Number left = 0, right = page.width;
        for (; left < page.width && !row[left]; left++) {
            ;
        }
        for (; right > left && !row[right - 1]; right--) {
            ;
        }
        if (left < right) {
            Number top = least(box.top, y);
            box = (Box){least(box.left, left), top, most(box.right, right), y + 1};
        }
    }
    return box;
}

/* How far nearly all pixels of a border are from the paper. */
static Number find_noise(const unsigned char *border, Number size) {
    Counts counts;
    count(border, size, 1, counts);
    return find_sorted(counts, size * 31 / 32);
}

int find_ink(Piece **memory, Picture picture, int *sign, Picture *page, Box *box) {
    Number size = 2 * (picture.width + picture.height), above = 0;
    unsigned char *border = take(memory, size);
    Picture depths;
    int found = border ? find_depths(memory, picture, border, sign, &depths) : FAILED;
    if (found != FOUND) {
        return found;
    }
    Counts counts;
    count(depths.grey, count_pixels(depths), 1, counts);
    Number threshold = find_threshold(counts), full = find_full(counts, threshold);
    Number noise = find_noise(border, size), paper = least(noise + noise / 4, threshold);
    if (full - paper < FAINTEST) {
        return NOTHING;
    }
    Table strengths;
    list_strengths(paper, full, strengths);
    *page = cut(memory, depths, (Box){0, 0, depths.width, depths.height});
    if (!page->grey) {
        return FAILED;
    }
    translate(*page, strengths);
    Number level = most(paper, threshold / 3);
    for (Number i = level + 1; i < LEVELS; i++) {
        above += counts[i];
    }
    found = find_sign(memory, depths, *page, level, above);
    *box = find_box(*page);
    return found == FOUND && !box->right ? NOTHING : found;
}
