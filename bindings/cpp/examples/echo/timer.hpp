// Runs things later on one thread of its own, so that waiting holds up no handler.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

/// Bounded by its user: here by the server's bound on unanswered requests. What is left when it is destroyed never
/// runs.
class Timer {
   public:
    using Clock = std::chrono::steady_clock;

    void at(Clock::time_point when, std::function<void()> what) {
        const std::lock_guard lock(mutex_);
        waiting_.emplace(when, std::move(what));
        changed_.notify_one();
    }

   private:
    void run(std::stop_token stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            if (waiting_.empty()) {
                changed_.wait(lock, stop, [this] { return !waiting_.empty(); });
            } else if (waiting_.begin()->first > Clock::now()) {
                const auto until = waiting_.begin()->first;
                changed_.wait_until(lock, stop, until, [&] { return waiting_.begin()->first < until; });
            } else {
                const auto what = std::move(waiting_.extract(waiting_.begin()).mapped());
                lock.unlock();
                what();
                lock.lock();
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::multimap<Clock::time_point, std::function<void()>> waiting_;
    std::jthread thread_{[this](std::stop_token stop) { run(std::move(stop)); }};
};
