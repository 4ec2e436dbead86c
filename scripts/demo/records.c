// SPDX-License-Identifier: GPL-2.0
/*
 * records - read a file of records into a list on the heap, bounds kept by MPX
 *
 *	records [-u] [-p] [-r TIMES] FILE
 *	records -c
 *
 *	-u	unprotected: do not switch MPX on. The program is the same: with
 *		BNDCFGU.EN clear, every MPX instruction is a NOP
 *	-p	instead of the records, show directory, tables and memory while
 *		the list grows and goes
 *	-r	read the file so many times into the same list
 *	-c	show what CPU and kernel have, switch management on and off
 *
 * Exit status: 0 all right, 1 something else went wrong, 2 no MPX or no kernel
 * that manages it, 3 stopped by a bounds check, 4 the picture is not as it
 * should be.
 *
 * A file is text, so that it can be read here as well. A header, then one
 * record per line, the length being that of the payload:
 *
 *	records 1 COUNT
 *	TYPE LENGTH PAYLOAD
 *
 * Where bounds are. Each pointer in a heap object (a record's data and its
 * next, a list's first and last) has its bounds in the bounds table that the
 * processor finds by the address of that pointer: get() and put() below are
 * BNDLDX and BNDSTX. While a pointer is in use its bounds are in BND0..BND3.
 * As in the ABI that compilers had for MPX, a function that returns a pointer
 * returns its bounds in BND0; apart from that, each function uses the bounds
 * registers as it likes, so whoever calls one says what may be lost.
 *
 * Why BNDPRESERVE is set: today's compilers emit CALL, RET and Jcc without the
 * BND prefix, and with BNDPRESERVE=0 each of these resets all bounds registers
 * to "everything is allowed". get(), a loop, and a check in the loop would then
 * check nothing, silently.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo.h"

struct region regions[64];
unsigned int nr_regions;
void *directory;

/* For the report of a violation. */
const char *file_name;
const struct input *reading;

void die(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "records: %s: %s\n", what, strerror(errno));
	exit(WRONG);
}

static noipa void bad_input(const struct input *in, const char *what)
{
	fflush(stdout);
	fprintf(stderr, "records: %s:%u: %s\n", file_name, in->line, what);
	exit(WRONG);
}

/* A region at a multiple of its size. */
static struct region *region_new(const char *type)
{
	struct region *r = &regions[nr_regions];
	char *map, *base;

	errno = ENOMEM;
	if (nr_regions == ARRAY_SIZE(regions))
		die("heap");
	map = mmap(NULL, 2 * MPX_SPAN, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		die("mmap");
	base = map + (-(unsigned long)map & (MPX_SPAN - 1));
	if (base != map)
		munmap(map, base - map);
	munmap(base + MPX_SPAN, map + MPX_SPAN - base);

	nr_regions++;
	memcpy(r->type, type, strlen(type));
	r->base = base;
	r->size = MPX_SPAN;
	return r;
}

/* Memory for an object of this many bytes. BND0: exactly these bytes. */
static noipa void *pool_alloc(const char *type, size_t size)
{
	size_t rounded = (size + 15) & ~15UL;
	struct region *r = NULL;
	unsigned int i;
	char *object;

	errno = ENOMEM;
	if (rounded < size || rounded > MPX_SPAN)
		die("object");
	for (i = 0; i < nr_regions && !r; i++) {
		if (!strcmp(regions[i].type, type) && regions[i].size &&
		    regions[i].used + rounded <= regions[i].size)
			r = &regions[i];
	}
	if (!r)
		r = region_new(type);
	object = r->base + r->used;
	r->used += rounded;
	mpx_bndmk(0, object, size);
	return object;
}

/* The next character, or EOF. Uses BND1. */
static noipa int next_char(struct input *in)
{
	char *text;

	if (in->pos == in->size)
		return EOF;
	text = get(1, &in->text) + in->pos++;
	mpx_bndcl(1, text);
	mpx_bndcu(1, text);
	return (unsigned char)*text;
}

/* A word and the character that ends it. Uses BND1. */
static noipa void next_word(struct input *in, char *word, size_t size, char end)
{
	size_t i = 0;
	int c;

	while ((c = next_char(in)) != end) {
		if (c <= ' ' || i == size - 1)
			bad_input(in, "not a header, or not a record");
		word[i++] = c;
	}
	word[i] = '\0';
}

/* Uses BND1. */
static noipa unsigned int next_number(struct input *in, char end)
{
	unsigned int number;
	char word[12], rest;

	next_word(in, word, sizeof(word), end);
	if (sscanf(word, "%9u%c", &number, &rest) != 1)
		bad_input(in, "a number is expected here");
	return number;
}

/* A record at the end of the list, its data still empty. Uses all of BND. */
static noipa struct record *append_record(struct list *list, const char *type,
					  unsigned int length)
{
	struct record *r, *last;
	char *data;

	data = pool_alloc(type, length);
	mpx_bndmov(1, 0);			/* the next call wants BND0 */
	r = pool_alloc(type, sizeof(*r));
	memcpy(r->type, type, strlen(type));
	r->length = length;
	put(1, &r->data, data);

	mpx_bndmov(1, 0);
	last = get(0, &list->last);
	if (last) {
		check0(last, sizeof(*last));
		put(1, &last->next, r);
	} else {
		put(1, &list->first, r);
	}
	put(1, &list->last, r);
	list->count++;
	return r;
}

/*
 * Here is the bug. The record has room for as many bytes as its length field
 * says, and this takes what comes up to the end of the line.
 */
static noipa void copy_payload(struct record *r, struct input *in)
{
	char *to = get(0, &r->data);
	int c;

	while ((c = next_char(in)) != '\n' && c != EOF) {
		mpx_bndcl(0, to);
		mpx_bndcu(0, to);
		*to++ = c;
	}
}

static noipa void parse_record(struct list *list, struct input *in)
{
	unsigned int length;
	struct record *r;
	char type[8];

	next_word(in, type, sizeof(type), ' ');
	length = next_number(in, ' ');
	if (!*type || length > 4096)
		bad_input(in, "a type and a length up to 4096 are expected");
	r = append_record(list, type, length);
	r->line = in->line;
	copy_payload(r, in);
}

static noipa unsigned int parse_header(struct input *in)
{
	char magic[8];

	in->line = 1;
	in->pos = 0;
	next_word(in, magic, sizeof(magic), ' ');
	if (strcmp(magic, "records") || next_number(in, ' ') != 1)
		bad_input(in, "\"records 1 COUNT\" is expected");
	return next_number(in, '\n');
}

static noipa void parse_input(struct list *list, struct input *in)
{
	unsigned int i, count = parse_header(in);

	for (i = 0; i < count; i++) {
		in->line++;
		parse_record(list, in);
	}
	if (next_char(in) != EOF)
		bad_input(in, "more records than the header says");
}

/* The file, in the heap like all else. Uses all of BND. */
static noipa struct input *open_input(const char *name)
{
	struct input *in;
	struct stat st;
	char *text;
	int fd;

	fd = open(name, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		die(name);
	text = pool_alloc("input", st.st_size);
	mpx_bndmov(1, 0);
	in = pool_alloc("input", sizeof(*in));
	put(1, &in->text, text);
	if (read(fd, text, st.st_size) != st.st_size)
		die(name);
	close(fd);
	in->size = st.st_size;
	return in;
}

noipa struct list *read_records(const char *name, unsigned int times)
{
	struct list *list = pool_alloc("list", sizeof(*list));
	struct input *in;

	in = open_input(name);
	reading = in;
	while (times--)
		parse_input(list, in);
	reading = NULL;
	return list;
}

static noipa void print_records(struct list *list)
{
	struct mpx_bounds b;
	struct record *r;
	char *data;

	printf("%-4s %-6s %-6s %-28s %s\n", "line", "type", "length",
	       directory ? "bounds, from the table" : "no bounds", "data");
	for (r = get(0, &list->first); r; r = get(0, &r->next)) {
		check0(r, sizeof(*r));
		data = get(0, &r->data);
		if (r->length)
			check0(data, r->length);
		printf("%4u %-6.8s %6u ", r->line, r->type, r->length);
		if (directory) {
			mpx_bnd_store(0, &b);
			printf("%012lx..%012lx   ", b.lower, b.upper);
		} else {
			printf("%-29s", "-");
		}
		printf("%.*s\n", (int)r->length, data);
	}
	printf("%lu records\n", list->count);
}

/*
 * Give [from, to) back to the system: take the records off the list that are,
 * or have data, in there. Bounds move with the pointers that they belong to.
 */
void release(struct list *list, struct region *region, char *from)
{
	char *to = region->base + region->size, *start, *end, *data;
	struct record **slot = &list->first, *r, *last = NULL;

	for (r = get(0, slot); r; r = get(0, slot)) {
		check0(r, sizeof(*r));
		data = get(1, &r->data);
		start = data < (char *)r ? data : (char *)r;
		end = data > (char *)r ? data + r->length : (char *)(r + 1);
		if (start >= to || end <= from) {
			put(0, &list->last, r);
			slot = &r->next;
			last = r;
			continue;
		}
		r = get(1, &r->next);
		put(1, slot, r);
		list->count--;
	}
	if (!last)
		list->last = NULL;
	if (munmap(from, to - from))
		die("munmap");
	region->size = from - region->base;
}

static void show_cpu(void)
{
	static const char * const names[] = { "BNDREGS", "BNDCSR" };
	unsigned int a = 0, b = 0, c = 0, d = 0, i;

	__get_cpuid_count(7, 0, &a, &b, &c, &d);
	printf("CPUID.07H:EBX.MPX[14] = %u\n", b >> 14 & 1);
	__get_cpuid(1, &a, &b, &c, &d);
	if (!(c & (1U << 27))) {
		printf("no XGETBV: this kernel does not use XSAVE\n");
		return;
	}
	asm volatile(".byte 0x0f, 0x01, 0xd0" /* xgetbv */
		     : "=a" (a), "=d" (d) : "c" (0));
	printf("XCR0 = %#x\n", a);
	for (i = MPX_XCOMP_BNDREGS; i <= MPX_XCOMP_BNDCSR; i++) {
		unsigned int size = 0, offset = 0;

		__cpuid_count(0xd, i, size, offset, c, d);
		printf("XSAVE component %u, %-7s: %s, %u bytes at offset %u\n",
		       i, names[i - MPX_XCOMP_BNDREGS],
		       a & (1U << i) ? "on" : "off", size, offset);
	}
}

/* MPX on for this thread, and the kernel told to look after the tables. */
static void protect(void)
{
	if (!mpx_available()) {
		printf("no MPX: %s\n", mpx_cpu_has() ?
		       "the kernel has not switched its XSAVE state on" :
		       "not in this processor");
		exit(NO_MPX);
	}
	directory = mpx_directory_alloc();
	if (!directory)
		die("directory");
	report_violations();
	mpx_on(directory, true);	/* BNDPRESERVE: see the top */
	printf("BNDCFGU = %#lx: enabled, BNDPRESERVE, directory at %012lx\n",
	       mpx_csr_read().cfgu, (unsigned long)directory);
	if (mpx_manage()) {
		printf("prctl(PR_MPX_ENABLE_MANAGEMENT) = -1: %s%s\n",
		       strerror(errno), errno == EINVAL ?
		       " (not configured?)" : "");
		exit(NO_MPX);
	}
	printf("prctl(PR_MPX_ENABLE_MANAGEMENT) = 0\n");
}

static void unprotect(void)
{
	if (mpx_unmanage())
		die("prctl(PR_MPX_DISABLE_MANAGEMENT)");
	printf("prctl(PR_MPX_DISABLE_MANAGEMENT) = 0\n");
	mpx_off();
}

static void help(void)
{
	fprintf(stderr, "usage: records [-u] [-p] [-r TIMES] FILE\n");
	fprintf(stderr, "       records -c\n");
	exit(WRONG);
}

int main(int argc, char **argv)
{
	bool cpu = false, memory = false, unprotected = false;
	int opt, times = 1;

	while ((opt = getopt(argc, argv, "cpur:")) != -1) {
		switch (opt) {
		case 'c':
			cpu = true;
			break;
		case 'p':
			memory = true;
			break;
		case 'u':
			unprotected = true;
			break;
		case 'r':
			times = atoi(optarg);
			break;
		default:
			help();
		}
	}
	if (cpu + memory + unprotected > 1 || times < 1 ||
	    optind != argc - !cpu)
		help();
	file_name = argv[optind];

	if (cpu) {
		show_cpu();
		protect();
		unprotect();
		return ALL_RIGHT;
	}
	if (unprotected)
		printf("MPX is off\n");
	else
		protect();
	if (memory)
		return show_memory(file_name, times) ? ALL_RIGHT : BAD_PICTURE;
	print_records(read_records(file_name, times));
	return ALL_RIGHT;
}
