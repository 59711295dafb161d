--- Defects of csrc/alloc: slabs, pools, guards, frames, budgets, registries, the heap.
return {
  {
    name = "alloc-count-failed",
    what = "an allocation that failed is counted as live",
    file = "csrc/alloc/alloc.c",
    find = [[
    if (block == NULL)
      return NULL;]],
    put = "    ;",
    caught_by = "test_alloc",
  },
  {
    name = "slab-double-put",
    what = "an object put twice is handed out twice",
    file = "csrc/alloc/slab.c",
    find = [[
  for (const ebb_slab_free *it = slab->free; it != NULL; it = it->next)
    if (it == object)
      return true;]],
    put = "",
    caught_by = "test_slab",
  },
  {
    name = "slab-put-uncounted",
    what = "objects given back are still counted as live",
    file = "csrc/alloc/slab.h",
    find = "  slab->n_live--;",
    put = "",
    recompile = { "spec/c/test_slab.c" },
    caught_by = "test_slab",
  },
  {
    name = "slab-page-lost",
    what = "what is left of a page is lost when a new one comes",
    file = "csrc/alloc/slab.c",
    find = "  while (slab->fresh != slab->fresh_end) {",
    put = "  while (false) {",
    caught_by = "test_slab",
  },
  {
    name = "slab-reserve-short",
    what = "a reserve promises one object more than there is room for",
    file = "csrc/alloc/slab.c",
    find = "  return n <= n_free || add_page(slab, n - n_free);",
    put = "  return n <= n_free + 1 || add_page(slab, n - n_free);",
    caught_by = "test_slab",
  },
  {
    name = "slab-page-overrun",
    what = "a page has one object more than fits",
    file = "csrc/alloc/slab.c",
    find = "  n_objects = (n_bytes - PAGE_HEAD_BYTES) / slab->object_bytes;",
    put = "  n_objects = (n_bytes - PAGE_HEAD_BYTES) / slab->object_bytes + 1;",
    caught_by = { "asan test_slab", "test_slab" },
  },
  {
    name = "pool-class-small",
    what = "a size at the end of a class gets a block of the next smaller one",
    file = "csrc/alloc/pool.c",
    find = "  unsigned step = (unsigned)((n_bytes - 1) >> (log - 2)) - PER_DOUBLING;",
    put = "  unsigned step = (unsigned)((n_bytes - 2) >> (log - 2)) - PER_DOUBLING;",
    caught_by = "test_pool",
  },
  {
    name = "pool-align",
    what = "a block asked for with a larger alignment is not aligned",
    file = "csrc/alloc/pool.c",
    find = [[
  while (ebb_pool_class_bytes(i) % align != 0)
    i++;]],
    put = "",
    caught_by = "test_pool",
  },
  {
    name = "pool-resize-short",
    what = "a block that grows loses its last bytes",
    file = "csrc/alloc/pool.c",
    find = [[
memcpy(block, ptr, old_bytes < new_bytes ? old_bytes : new_bytes);
  ebb_pool_put(]],
    put = [[
memcpy(block, ptr, (old_bytes < new_bytes ? old_bytes : new_bytes) / 8 * 8);
  ebb_pool_put(]],
    caught_by = "test_pool",
  },
  {
    name = "pool-resize-leaks",
    what = "the old block of one that moved is kept",
    file = "csrc/alloc/pool.c",
    find = [[
  ebb_pool_put(pool, ptr, old_bytes, align);
  return block;]],
    put = "  return block;",
    caught_by = "test_pool",
  },
  {
    name = "pool-fence-unseen",
    what = "a write past the end of a block is not noticed",
    file = "csrc/alloc/pool.c",
    find = [[
    if (end[i] != EBB_POISON_FENCE)
      return false;]],
    put = "    (void)end;",
    caught_by = "test_pool",
  },
  {
    name = "guard-shrink-uncounted",
    what = "bytes of a block that shrank are still counted",
    file = "csrc/alloc/guard.c",
    find = "    guard_shrunk(guard, old_bytes - n_bytes);",
    put = "    ;",
    caught_by = "test_guard",
  },
  {
    name = "guard-move-budget",
    what = "a block that moves stays charged to the old budget",
    file = "csrc/alloc/guard.c",
    find = [[
  ebb_budget_credit(from->budget, block->n_bytes);
  ebb_budget_charge(to->budget, block->n_bytes);]],
    put = "  ebb_budget_charge(to->budget, block->n_bytes);",
    caught_by = "test_guard",
  },
  {
    name = "guard-generation",
    what = "a handle of a freed block is still good",
    file = "csrc/alloc/guard.c",
    find = [[
  block->data = NULL;
  block->gen++;]],
    put = "  block->data = NULL;",
    caught_by = "test_guard",
  },
  {
    name = "guard-not-cleared",
    what = "memory that a block grows by is not zero",
    file = "csrc/alloc/guard.c",
    find = [[
    memset(data + old_bytes, 0, n_bytes - old_bytes);
]],
    put = "",
    caught_by = "test_guard",
  },
  {
    name = "frame-rollback-head",
    what = "a rollback does not free what was made above it",
    file = "csrc/alloc/frame.c",
    find = "  frame->head = mark->head;",
    put = "",
    caught_by = "test_frame",
  },
  {
    name = "frame-spill-leaks",
    what = "blocks beside the arena are not given back",
    file = "csrc/alloc/frame.c",
    find = "    ebb_alloc_put(frame->alloc, spill, spill->n_bytes);",
    put = "",
    caught_by = "test_frame",
  },
  {
    name = "frame-hidden-open",
    what = "a frame that is hidden still gives memory",
    file = "csrc/alloc/frame.c",
    find = [[
!frame->is_open || frame->is_hidden ||
                   (align]],
    put = [[
!frame->is_open ||
                   (align]],
    caught_by = "test_frame",
  },
  {
    name = "frame-last-byte",
    what = "the last byte of the arena is never used",
    file = "csrc/alloc/frame.c",
    find = "if (EBB_LIKELY(skip <= left && n_bytes <= left - skip)) {",
    put = "if (EBB_LIKELY(skip <= left && n_bytes < left - skip)) {",
    caught_by = "test_frame",
  },
  {
    name = "frame-overrun",
    what = "the arena gives more than it has",
    file = "csrc/alloc/frame.c",
    find = "if (EBB_LIKELY(skip <= left && n_bytes <= left - skip)) {",
    put = "if (EBB_LIKELY(skip <= left && n_bytes <= left - skip + 8)) {",
    caught_by = { "test_frame", "asan test_frame" },
  },
  {
    name = "frame-extend-shared",
    what = "a block grows into what a checkpoint holds",
    file = "csrc/alloc/frame.c",
    find = [[
      at < frame->base + frame->top->head ||
]],
    put = "",
    caught_by = { "test_frame", "spec/alloc/checkpoint_spec.lua", "spec/alloc/frame_spec.lua" },
  },
  {
    name = "budget-off-by-one",
    what = "a budget takes one byte too many",
    file = "csrc/alloc/budget.h",
    find = "n_bytes <= budget->limit_bytes - budget->live_bytes);",
    put = "n_bytes <= budget->limit_bytes - budget->live_bytes + 1);",
    recompile = { "spec/c/test_budget.c" },
    caught_by = "test_budget",
  },
  {
    name = "budget-told-again",
    what = "a value that trembles around the soft limit tells each time",
    file = "csrc/alloc/budget.h",
    find = "      budget->live_bytes <= budget->soft_bytes - budget->soft_bytes / 10)",
    put = "      budget->live_bytes <= budget->soft_bytes)",
    recompile = { "spec/c/test_budget.c", "csrc/alloc/guard.c" },
    caught_by = "test_budget",
  },
  {
    name = "registry-stale",
    what = "a handle of the past names the new value of its slot",
    file = "csrc/alloc/registry.c",
    find = "  reg->slots[index].gen++;",
    put = "",
    caught_by = "test_registry",
  },
  {
    name = "registry-newest-first",
    what = "the slot freed last is used again first",
    file = "csrc/alloc/registry.c",
    find = [[
  if (reg->newest == EBB_REGISTRY_NONE)
    reg->oldest = index;]],
    put = [[
  if (reg->oldest != index)
    reg->slots[index].next = reg->oldest, reg->oldest = index;]],
    caught_by = "test_registry",
  },
  {
    name = "registry-no-retire",
    what = "generations start anew when they are used up",
    file = "csrc/alloc/registry.c",
    find = "  if (reg->slots[index].gen == EBB_REGISTRY_MAX_GEN) {",
    put = "  if (reg->slots[index].gen == 0) {",
    caught_by = "test_registry",
  },
  {
    name = "heap-class-small",
    what = "a size at the end of a class gets a block of the next smaller one",
    file = "csrc/alloc/heap_page.c",
    find = "(unsigned)((n_bytes - 1) >> (log - 3)) - 8;",
    put = "(unsigned)((n_bytes - 2) >> (log - 3)) - 8;",
    caught_by = "test_heap",
  },
  {
    name = "heap-freed-uncounted",
    what = "what a block shrank by is still counted",
    file = "csrc/alloc/heap.c",
    find = [[
  if (!grows)
    note_freed(heap, old_bytes - new_bytes);]],
    put = "",
    caught_by = "test_heap",
  },
  {
    name = "heap-limit-off",
    what = "the limit of the heap lets one byte too many through",
    file = "csrc/alloc/heap.c",
    find = "        n_bytes > heap->limit_bytes - live) {",
    put = "        n_bytes > heap->limit_bytes - live + 1) {",
    caught_by = { "test_heap", "test_lua_heap" },
  },
  {
    name = "heap-refused-counted",
    what = "a block that there was no memory for stays counted",
    file = "csrc/alloc/heap.c",
    find = [[
  void *ptr = block_get(heap, account, n_bytes);
  if (ptr == NULL) {
    count_back(heap, n_bytes);]],
    put = [[
  void *ptr = block_get(heap, account, n_bytes);
  if (ptr == NULL) {]],
    caught_by = "test_heap",
  },
  {
    name = "heap-shrink-fails",
    what = "shrinking a block fails when there is no memory",
    file = "csrc/alloc/heap.c",
    find = [[
    if (n_bytes > old_bytes)
      return NULL;
    ptr = old;]],
    put = [[
    if (n_bytes != old_bytes)
      return NULL;
    ptr = old;]],
    caught_by = "test_heap",
  },
  {
    name = "heap-map-hole",
    what = "taking a large block out of the map cuts others off",
    file = "csrc/alloc/heap_map.c",
    find = "    if (((i - home) & mask) >= ((i - hole) & mask)) {",
    put = "    if (((i - home) & mask) > ((i - hole) & mask)) {",
    caught_by = { "test_heap" },
  },
  {
    name = "heap-account-stays",
    what = "what a closed account held is charged to nobody",
    file = "csrc/alloc/heap_account.c",
    find = "  heap_set_move(heap, &account->set, account->outer);",
    put = "",
    caught_by = { "test_heap", "test_lua_heap" },
  },
  {
    name = "heap-account-large",
    what = "large blocks keep the address of a closed account",
    file = "csrc/alloc/heap_account.c",
    find = "      heap->large.entries[i].account = account->outer;",
    put = "      ;",
    caught_by = { "test_heap", "asan test_heap" },
  },
  {
    name = "heap-outer-uncharged",
    what = "an inner account's bytes are not charged to the outer one",
    file = "csrc/alloc/heap_account.c",
    find = [[
  for (ebb_heap_account *at = account; at != NULL; at = at->outer) {
    at->live_bytes += n_bytes;]],
    put = [[
  for (ebb_heap_account *at = account; at != NULL; at = NULL) {
    at->live_bytes += n_bytes;]],
    caught_by = "test_heap",
  },
  {
    name = "heap-keeps-all",
    what = "a heap that has shrunk gives nothing back",
    file = "csrc/alloc/heap_page.c",
    find = [[
  if (heap->least_dirty > 0)
    give_back(heap, heap->least_dirty);]],
    put = "",
    caught_by = "test_heap",
  },
  {
    name = "heap-direct-stale",
    what = "a class points at a page that was given back",
    file = "csrc/alloc/heap_page.c",
    find = [[
  if (was_first && account == NULL)
    direct_to_first(heap, cls);]],
    put = "",
    caught_by = { "test_heap", "test_lua_heap" },
  },
}
