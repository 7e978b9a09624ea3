// Replaces the global allocation functions; apart from the tests, so that the compiler sees nothing of them there.
#include "famine.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

namespace famine {
namespace {

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

/// Allocations of so many bytes and more fail.
constinit std::atomic<std::size_t> refused_from{kUnlimited};
/// The only thread on which they do; none: all but the main one.
std::atomic<std::thread::id> starved;
const std::thread::id main_thread = std::this_thread::get_id();

bool refuses(std::size_t size) {
    if (size < refused_from) {
        return false;
    }
    const auto here = std::this_thread::get_id();
    const auto only = starved.load();
    return only == std::thread::id{} ? here != main_thread : here == only;
}

}  // namespace

Famine::Famine(std::thread::id only) {
    starved = only;
    refused_from = 256u << 10;
}

Famine::~Famine() { refused_from = kUnlimited; }

}  // namespace famine

void* operator new(std::size_t size) {
    void* memory = famine::refuses(size) ? nullptr : std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
