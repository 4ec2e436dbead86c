// SPDX-License-Identifier: GPL-2.0
/*
 * The picture: what the directory and the bounds tables hold and cost while
 * the list grows and goes, with what must be true each time. The directory is
 * read as memory, as any process may; where it is in use and what is resident
 * say /proc/self/pagemap and smaps.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "demo.h"

/* The kernel keeps address space for so many tables when all are gone. */
#define ROOM		64

#define KIB(bytes)	((unsigned long)(bytes) / 1024)

/* The number of pointers in the list whose bounds are not those they had. */
static unsigned long lost_bounds(struct list *list)
{
	unsigned long lost = 0;
	struct mpx_bounds b;
	struct record *r;
	char *data;

	for (r = mpx_ptr_load(&list->first, &b); r;
	     r = mpx_ptr_load(&r->next, &b)) {
		if (b.lower != (unsigned long)r ||
		    b.upper != (unsigned long)(r + 1) - 1)
			lost++;
		data = mpx_ptr_load(&r->data, &b);
		if (b.lower != (unsigned long)data ||
		    b.upper != (unsigned long)data + r->length - 1)
			lost++;
	}
	return lost;
}

struct memory {
	unsigned long room;		/* [mpx], in tables: there or to come */
	unsigned long tables_rss;	/* KiB from here on */
	unsigned long directory_rss;
	unsigned long rss;
};

static struct memory memory_now(void)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start, end, kib;
	char line[256], name[64] = "";
	bool dir = false, mpx = false;
	struct memory m = { 0 };
	int n;

	if (!f)
		die("/proc/self/smaps");
	while (fgets(line, sizeof(line), f)) {
		n = sscanf(line, "%lx-%lx %*s %*s %*s %*s %63s", &start, &end,
			   name);
		if (n >= 2) {
			mpx = n == 3 && !strcmp(name, "[mpx]");
			dir = start <= (unsigned long)directory &&
			      (unsigned long)directory < end;
			if (mpx)
				m.room += (end - start) / MPX_TABLE_SIZE;
		} else if (sscanf(line, "Rss: %lu kB", &kib) == 1) {
			m.rss += kib;
			m.tables_rss += mpx ? kib : 0;
			m.directory_rss += dir ? kib : 0;
		}
	}
	fclose(f);
	return m;
}

/* Which of these pages are in memory? Up to STEP; returns their number. */
#define STEP	1024

static unsigned int resident(const void *addr, unsigned int pages,
			     bool *present)
{
	static int fd = -1;
	unsigned long entry[STEP];
	unsigned int i, n = 0;

	if (fd < 0)
		fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pages > STEP ||
	    pread(fd, entry, pages * 8, (unsigned long)addr / PAGE * 8) !=
	    (ssize_t)(pages * 8))
		die("/proc/self/pagemap");
	for (i = 0; i < pages; i++) {
		present[i] = entry[i] >> 62;	/* in memory, or in swap */
		n += present[i];
	}
	return n;
}

/* All of the directory's entries that are not zero. */
static unsigned long entries_in_use(void)
{
	unsigned long i, j, k, n = 0;
	bool present[STEP];

	for (i = 0; i < MPX_DIR_SIZE / PAGE; i += STEP) {
		const char *page = (const char *)directory + i * PAGE;

		if (!resident(page, STEP, present))
			continue;
		for (j = 0; j < STEP; j++, page += PAGE) {
			const unsigned long *entry = (const unsigned long *)page;

			for (k = 0; present[j] && k < PAGE / 8; k++)
				n += !!entry[k];
		}
	}
	return n;
}

#define CELLS	8

/* One character for each eighth; blank is not mapped. */
static void draw(const bool *present, unsigned int pages, unsigned int mapped)
{
	unsigned int i, j, n, each = pages / CELLS;

	putchar('[');
	for (i = 0; i < CELLS; i++) {
		for (j = 0, n = 0; j < each; j++)
			n += present[i * each + j];
		putchar(i * each >= mapped ? ' ' :
			!n ? '.' : n < each / 2 ? '+' : '#');
	}
	putchar(']');
}

/* What one look at everything gave. */
struct look {
	struct memory m;
	unsigned long in_use;		/* entries, in all of the directory */
	unsigned int live;		/* regions that are mapped */
	unsigned int valid;		/* and have a table */
	unsigned int dead;		/* regions that are not, but have one */
	unsigned int stale;		/* table pages for what is not mapped */
	unsigned int data;		/* resident KiB */
	unsigned int tables;		/* and those of the regions' tables */
};

static void draw_region(const struct region *r, struct look *l)
{
	const unsigned int pages = MPX_SPAN / PAGE;
	bool data[MPX_SPAN / PAGE], table[MPX_TABLE_SIZE / PAGE];
	unsigned long entry = *mpx_dir_entry(directory, r->base);
	unsigned int i, n, mapped = r->size / PAGE;

	printf(" %-6s%012lx ", r->type, (unsigned long)r->base);
	if (mapped) {
		n = resident(r->base, pages, data);
		draw(data, pages, mapped);
		printf("%5luK", KIB(n * PAGE));
		l->data += KIB(n * PAGE);
		l->live++;
	} else {
		printf("%16s", "given back    ");
	}
	printf("  %07zx ", mpx_dir_index(r->base));
	if (!mpx_entry_table(entry)) {
		printf("= %lx\n", entry);
		return;
	}
	if (mapped)
		l->valid++;
	else
		l->dead++;
	n = resident(mpx_entry_table(entry), ARRAY_SIZE(table), table);
	printf("-> %012lx ", (unsigned long)mpx_entry_table(entry));
	draw(table, ARRAY_SIZE(table), ARRAY_SIZE(table));
	printf("%5luK\n", KIB(n * PAGE));
	l->tables += KIB(n * PAGE);
	for (i = mapped * 4; i < ARRAY_SIZE(table); i++)
		l->stale += table[i];
}

static struct look picture(const char *title)
{
	struct look l = { .in_use = entries_in_use(), .m = memory_now() };
	unsigned int i;

	printf("\n-- %s ", title);
	for (i = strlen(title) + 4; i < 79; i++)
		putchar('-');
	printf("\n data: pools of 1 MiB regions     directory  %s\n",
	       "bounds tables, [mpx], 4 MiB");
	for (i = 0; i < nr_regions; i++)
		draw_region(&regions[i], &l);
	if (!nr_regions)
		printf(" %-33s%-11s%s\n", "(none)", "(empty)", "(none)");
	printf(" resident: data %uK, tables %luK, directory %luK of 2 GiB, process %luK\n",
	       l.data, l.m.tables_rss, l.m.directory_rss, l.m.rss);
	printf(" directory entries in use: %lu of %lu; address space for %lu tables\n",
	       l.in_use, MPX_DIR_ENTRIES, l.m.room);
	return l;
}

static int failures;

static void expect(bool ok, const char *what)
{
	printf(" %s %s\n", ok ? "[ok]" : "[NOT SO]", what);
	failures += !ok;
}

/* The way of the processor from a pointer to its bounds. */
static void show_walk(struct list *list)
{
	unsigned long *entry = mpx_dir_entry(directory, &list->first);
	struct mpx_table_entry *e = mpx_table_entry(*entry, &list->first);

	printf("\n-- one pointer, list->first, looked up by hand\n");
	printf(" pointer at          %012lx: %012lx\n",
	       (unsigned long)&list->first, (unsigned long)list->first);
	printf(" directory[%07zx]  %012lx: %012lx, valid %lu\n",
	       mpx_dir_index(&list->first), (unsigned long)entry,
	       *entry & MPX_ENTRY_ADDR, *entry & MPX_ENTRY_VALID);
	printf(" table[%05zx]        %012lx: ",
	       mpx_table_index(&list->first), (unsigned long)e);
	if (!e) {
		printf("none\n");
		return;
	}
	printf("bounds %012lx..%012lx\n", e->lower, ~e->upper);
	printf("%36sfor pointer %012lx\n", "", e->pointer);
}

/* True if all is as it should be. */
bool show_memory(const char *name, unsigned int times)
{
	struct look l;
	struct list *list;
	unsigned int i;

	printf("\n[#] in memory, [+] in part, [.] not, [ ] unmapped; the same place in both\n");
	printf("columns is the same data. 4 KiB of data want 16 KiB of table.\n");

	l = picture("1. before: management is on, no bounds stored");
	expect(!l.m.room && !l.m.tables_rss && !l.in_use,
	       "no table, no directory entry");

	list = read_records(name, times);
	l = picture("2. the list is there");
	expect(l.live == nr_regions && l.valid == l.live,
	       "each region has a table");
	expect(l.in_use == l.live && l.m.tables_rss == l.tables,
	       "and nothing else has");
	expect(!lost_bounds(list), "each pointer in the list has its bounds");
	show_walk(list);

	for (i = 0; i < nr_regions; i++) {
		struct region *r = &regions[i];

		if (!strcmp(r->type, "note"))
			release(list, r, r->base);
		else if (!strcmp(r->type, "user"))
			release(list, r, r->base + (r->used / 2 & -PAGE));
	}
	l = picture("3. all notes freed, and the newer half of the users");
	expect(!l.dead && l.in_use == l.live && l.m.tables_rss == l.tables,
	       "the table of the notes is gone, its directory entry is 0");
	expect(!l.stale, "no table page is left for what was given back");
	expect(l.valid == l.live && !lost_bounds(list),
	       "each pointer that is left has its bounds");

	for (i = 0; i < nr_regions; i++) {
		if (!regions[i].size)
			continue;
		if (munmap(regions[i].base, regions[i].size))
			die("munmap");
		regions[i].size = 0;
	}
	l = picture("4. after: everything freed");
	expect(!l.m.tables_rss && !l.in_use,
	       "no table, no directory entry");
	expect(l.m.room <= ROOM, "of the mapping, address space is left: for 64 tables");
	return !failures;
}
