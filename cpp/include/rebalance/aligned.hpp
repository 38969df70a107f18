// Memory aligned for the widest vectors.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace rebalance {

template <class T> struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};
  AlignedAllocator() = default;
  template <class U> AlignedAllocator(const AlignedAllocator<U> &) {}
  T *allocate(std::size_t n) { return static_cast<T *>(::operator new(n * sizeof(T), kAlignment)); }
  /// Leaves numbers as they are: every array here is filled before it is read.
  template <class U> void construct(U *p) { ::new (static_cast<void *>(p)) U; }
  template <class U, class... Args> void construct(U *p, Args &&...args) {
    ::new (static_cast<void *>(p)) U(static_cast<Args &&>(args)...);
  }
  void deallocate(T *p, std::size_t) { ::operator delete(p, kAlignment); }
  friend bool operator==(const AlignedAllocator &, const AlignedAllocator &) { return true; }
  friend bool operator!=(const AlignedAllocator &, const AlignedAllocator &) { return false; }
};

using AlignedFloats = std::vector<float, AlignedAllocator<float>>;

} // namespace rebalance
