/* pages.h: large blocks from the system, side by side in regions that ask for huge pages.
 *
 * With pages of 4 KB each stream of a kernel needs another entry of the translation buffer every thousand floats; with
 * pages of 2 MB, which Linux gives where it is asked to (madvise), one entry lasts half a million.  Blocks of less than a
 * huge page profit as well, because they share one.  The caller keeps blocks for reuse and takes care of locking. */
#ifndef RP_BASE_PAGES_H
#define RP_BASE_PAGES_H

#include <stddef.h>

#define RP_PAGED ((size_t)1 << 16) /* smaller blocks are malloc's */

typedef struct rp_region rp_region;

/* At least n bytes that begin with a page, contents undefined; NULL if the system refuses.  *region is to be handed back
 * with it. */
void *rp_pages_take(rp_region **region, size_t n);

/* Gives the memory of a block back at once, its addresses when the last block of the region has gone. */
void rp_pages_give(rp_region *region, void *block, size_t n);

#endif
