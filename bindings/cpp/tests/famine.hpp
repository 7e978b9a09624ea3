// Memory that runs out when a test says so.
#pragma once

#include <thread>

namespace famine {

/// While it lives, allocations of 256 KiB and more fail: on one thread, or on all but the main one. One at a time.
struct Famine {
    explicit Famine(std::thread::id only = {});
    Famine(const Famine&) = delete;
    Famine& operator=(const Famine&) = delete;
    ~Famine();
};

}  // namespace famine
