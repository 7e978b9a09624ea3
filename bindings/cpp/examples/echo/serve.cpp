// `echo serve`: the service, and a main thread that waits for the end of stdin or SIGTERM.
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <memory>
#include <utility>

#include "echo_service.hpp"
#include "modes.hpp"
#include "timer.hpp"

namespace {

using proofplane::Responder;

class Echo final : public echo::EchoService {
   public:
    bool runs_inline(echo::EchoMethod method) const override { return method != echo::EchoMethod::sleep; }

    void echo_bytes(echo::EchoBytes request, Responder<echo::EchoBytesResponse> responder) override {
        responder.ok({.data = std::move(request.data)});
    }

    void echo_everything(echo::EchoEverything request, Responder<echo::EchoEverythingResponse> responder) override {
        responder.ok({.value = std::move(request.value)});
    }

    void measure(echo::Measure request, Responder<echo::MeasureResponse> responder) override {
        responder.ok({.name = std::move(request.name),
                      .number = request.number,
                      .digest = request.digest,
                      .tag = std::uint64_t{request.number} + 1});
    }

    void sleep(echo::Sleep request, Responder<echo::SleepResponse> responder) override {
        const auto when = Timer::Clock::now() + std::chrono::milliseconds(request.milliseconds);
        // A std::function must be copyable, a responder is not: it travels behind a shared pointer.
        timer_.at(when, [token = request.token, answer = std::make_shared<decltype(responder)>(std::move(responder))] {
            answer->ok({.token = token});
        });
    }

    void fail(echo::Fail request, Responder<echo::FailResponse> responder) override {
        responder.error(request.message);
    }

    void forget(echo::Forget, Responder<echo::ForgetResponse>) override {}

   private:
    Timer timer_;
};

/// Until stdin ends or the signal comes.
void wait_for_end(int signals) {
    pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}};
    while (true) {
        if (poll(watched, 2, -1) < 0) {
            continue;  // interrupted
        }
        char thrown_away[256];
        const bool at_end = watched[0].revents != 0 && read(STDIN_FILENO, thrown_away, sizeof thrown_away) <= 0;
        if (at_end || watched[1].revents != 0) {
            return;
        }
    }
}

}  // namespace

int serve(const std::string& address) {
    // Blocked before any thread starts, so that every thread inherits it and the signal comes as a readable descriptor.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    const int signals = signalfd(-1, &ends, SFD_CLOEXEC);

    auto server = echo::serve(address, std::make_shared<Echo>());
    if (!server) {
        std::cerr << server.error().message << '\n';
        return 1;
    }
    std::cout << "ready" << std::endl;
    wait_for_end(signals);
    return 0;
}
