--- Defects of csrc/alloc: slabs, pools, guards, frames, budgets, registries, the heap.
return {
  { file = "csrc/alloc/alloc.c",
    { "alloc-count-failed", "an allocation that failed is counted as live",
      find = [[
    if (block == NULL)
      return NULL;]],
      put = "    ;",
      caught_by = "test_alloc" },
  },
  { file = "csrc/alloc/slab.c", caught_by = "test_slab",
    { "slab-double-put", "an object put twice is handed out twice",
      find = [[
  for (const ebb_slab_free *it = slab->free; it != NULL; it = it->next)
    if (it == object)
      return true;]],
      put = "" },
    { "slab-page-lost", "what is left of a page is lost when a new one comes",
      find = "  while (slab->fresh != slab->fresh_end) {",
      put = "  while (false) {" },
    { "slab-reserve-short", "a reserve promises one object more than there is room for",
      find = "  return n <= n_free || add_page(slab, n - n_free);",
      put = "  return n <= n_free + 1 || add_page(slab, n - n_free);" },
    { "slab-page-overrun", "a page has one object more than fits",
      find = "  n_objects = (n_bytes - PAGE_HEAD_BYTES) / slab->object_bytes;",
      put = "  n_objects = (n_bytes - PAGE_HEAD_BYTES) / slab->object_bytes + 1;",
      caught_by = { "asan test_slab", "test_slab" } },
  },
  { file = "csrc/alloc/slab.h",
    { "slab-put-uncounted", "objects given back are still counted as live",
      find = "  slab->n_live--;",
      put = "",
      caught_by = "test_slab",
      recompile = { "spec/c/test_slab.c" } },
  },
  { file = "csrc/alloc/pool.c", caught_by = "test_pool",
    { "pool-class-small", "a size at the end of a class gets a block of the next smaller one",
      find = "  unsigned step = (unsigned)((n_bytes - 1) >> (log - 2)) - PER_DOUBLING;",
      put = "  unsigned step = (unsigned)((n_bytes - 2) >> (log - 2)) - PER_DOUBLING;" },
    { "pool-align", "a block asked for with a larger alignment is not aligned",
      find = [[
  while (ebb_pool_class_bytes(i) % align != 0)
    i++;]],
      put = "" },
    { "pool-resize-short", "a block that grows loses its last bytes",
      find = [[
memcpy(block, ptr, old_bytes < new_bytes ? old_bytes : new_bytes);
  ebb_pool_put(]],
      put = [[
memcpy(block, ptr, (old_bytes < new_bytes ? old_bytes : new_bytes) / 8 * 8);
  ebb_pool_put(]] },
    { "pool-resize-leaks", "the old block of one that moved is kept",
      find = [[
  ebb_pool_put(pool, ptr, old_bytes, align);
  return block;]],
      put = "  return block;" },
    { "pool-fence-unseen", "a write past the end of a block is not noticed",
      find = [[
    if (end[i] != EBB_POISON_FENCE)
      return false;]],
      put = "    (void)end;" },
  },
  { file = "csrc/alloc/guard.c", caught_by = "test_guard",
    { "guard-shrink-uncounted", "bytes of a block that shrank are still counted",
      find = "    guard_shrunk(guard, old_bytes - n_bytes);",
      put = "    ;" },
    { "guard-move-budget", "a block that moves stays charged to the old budget",
      find = [[
  ebb_budget_credit(from->budget, block->n_bytes);
  ebb_budget_charge(to->budget, block->n_bytes);]],
      put = "  ebb_budget_charge(to->budget, block->n_bytes);" },
    { "guard-generation", "a handle of a freed block is still good",
      find = [[
  block->data = NULL;
  block->gen++;]],
      put = "  block->data = NULL;" },
    { "guard-not-cleared", "memory that a block grows by is not zero",
      find = "    memset(data + old_bytes, 0, n_bytes - old_bytes);\n",
      put = "" },
  },
  { file = "csrc/alloc/frame.c", caught_by = "test_frame",
    { "frame-rollback-head", "a rollback does not free what was made above it",
      find = "  frame->head = mark->head;",
      put = "" },
    { "frame-spill-leaks", "blocks beside the arena are not given back",
      find = "    ebb_alloc_put(frame->alloc, spill, spill->n_bytes);",
      put = "" },
    { "frame-hidden-open", "a frame that is hidden still gives memory",
      find = [[
!frame->is_open || frame->is_hidden ||
                   (align]],
      put = [[
!frame->is_open ||
                   (align]] },
    { "frame-last-byte", "the last byte of the arena is never used",
      find = "if (EBB_LIKELY(skip <= left && n_bytes <= left - skip)) {",
      put = "if (EBB_LIKELY(skip <= left && n_bytes < left - skip)) {" },
    { "frame-overrun", "the arena gives more than it has",
      find = "if (EBB_LIKELY(skip <= left && n_bytes <= left - skip)) {",
      put = "if (EBB_LIKELY(skip <= left && n_bytes <= left - skip + 8)) {",
      caught_by = { "test_frame", "asan test_frame" } },
    { "frame-extend-shared", "a block grows into what a checkpoint holds",
      find = "      at < frame->base + frame->top->head ||\n",
      put = "",
      caught_by = { "test_frame", "spec/alloc/checkpoint_spec.lua", "spec/alloc/frame_spec.lua" } },
  },
  { file = "csrc/alloc/budget.h", caught_by = "test_budget",
    { "budget-off-by-one", "a budget takes one byte too many",
      find = "n_bytes <= budget->limit_bytes - budget->live_bytes);",
      put = "n_bytes <= budget->limit_bytes - budget->live_bytes + 1);",
      recompile = { "spec/c/test_budget.c" } },
    { "budget-told-again", "a value that trembles around the soft limit tells each time",
      find = "      budget->live_bytes <= budget->soft_bytes - budget->soft_bytes / 10)",
      put = "      budget->live_bytes <= budget->soft_bytes)",
      recompile = { "spec/c/test_budget.c", "csrc/alloc/guard.c" } },
  },
  { file = "csrc/alloc/registry.c", caught_by = "test_registry",
    { "registry-stale", "a handle of the past names the new value of its slot",
      find = "  reg->slots[index].gen++;",
      put = "" },
    { "registry-newest-first", "the slot freed last is used again first",
      find = [[
  if (reg->newest == EBB_REGISTRY_NONE)
    reg->oldest = index;]],
      put = [[
  if (reg->oldest != index)
    reg->slots[index].next = reg->oldest, reg->oldest = index;]] },
    { "registry-no-retire", "generations start anew when they are used up",
      find = "  if (reg->slots[index].gen == EBB_REGISTRY_MAX_GEN) {",
      put = "  if (reg->slots[index].gen == 0) {" },
  },
  { file = "csrc/alloc/heap_page.c", caught_by = "test_heap",
    { "heap-class-small", "a size at the end of a class gets a block of the next smaller one",
      find = "(unsigned)((n_bytes - 1) >> (log - 3)) - 8;",
      put = "(unsigned)((n_bytes - 2) >> (log - 3)) - 8;" },
    { "heap-keeps-all", "a heap that has shrunk gives nothing back",
      find = [[
  if (heap->least_dirty > 0)
    give_back(heap, heap->least_dirty);]],
      put = "" },
    { "heap-direct-stale", "a class points at a page that was given back",
      find = [[
  if (was_first && account == NULL)
    direct_to_first(heap, cls);]],
      put = "",
      caught_by = { "test_heap", "test_lua_heap" } },
  },
  { file = "csrc/alloc/heap.c", caught_by = "test_heap",
    { "heap-freed-uncounted", "what a block shrank by is still counted",
      find = [[
  if (!grows)
    note_freed(heap, old_bytes - new_bytes);]],
      put = "" },
    { "heap-limit-off", "the limit of the heap lets one byte too many through",
      find = "        n_bytes > heap->limit_bytes - live) {",
      put = "        n_bytes > heap->limit_bytes - live + 1) {",
      caught_by = { "test_heap", "test_lua_heap" } },
    { "heap-refused-counted", "a block that there was no memory for stays counted",
      find = [[
  void *ptr = block_get(heap, account, n_bytes);
  if (ptr == NULL) {
    count_back(heap, n_bytes);]],
      put = [[
  void *ptr = block_get(heap, account, n_bytes);
  if (ptr == NULL) {]],
      caught_by = "test_heap_refusals" },
    { "heap-shrink-fails", "shrinking a block fails when there is no memory",
      find = [[
    if (n_bytes > old_bytes)
      return NULL;
    ptr = old;]],
      put = [[
    if (n_bytes != old_bytes)
      return NULL;
    ptr = old;]],
      caught_by = "test_heap_refusals" },
  },
  { file = "csrc/alloc/heap_map.c",
    { "heap-map-hole", "taking a large block out of the map cuts others off",
      find = "    if (((i - home) & mask) >= ((i - hole) & mask)) {",
      put = "    if (((i - home) & mask) > ((i - hole) & mask)) {",
      caught_by = { "test_heap" } },
  },
  { file = "csrc/alloc/heap_account.c",
    { "heap-account-stays", "what a closed account held is charged to nobody",
      find = "  heap_set_move(heap, &account->set, account->outer);",
      put = "",
      caught_by = { "test_heap", "test_lua_heap" } },
    { "heap-account-large", "large blocks keep the address of a closed account",
      find = "      heap->large.entries[i].account = account->outer;",
      put = "      ;",
      caught_by = { "test_heap", "asan test_heap" } },
    { "heap-outer-uncharged", "an inner account's bytes are not charged to the outer one",
      find = [[
  for (ebb_heap_account *at = account; at != NULL; at = at->outer) {
    at->live_bytes += n_bytes;]],
      put = [[
  for (ebb_heap_account *at = account; at != NULL; at = NULL) {
    at->live_bytes += n_bytes;]],
      caught_by = "test_heap" },
  },
}
