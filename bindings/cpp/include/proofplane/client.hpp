// A client: calls that can be waited for, with or without a timeout, or answered by a callback.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "proofplane.h"
#include "proofplane/duration.hpp"
#include "proofplane/msgpack/codecs.hpp"
#include "proofplane/result.hpp"

namespace proofplane {

/// Whether requests carry ids, so that replies come as they are done and not as they were asked.
enum class Ids {
    automatic = PP_IDS_AUTO,  ///< ask by Hello, use them if the server knows them
    never = PP_IDS_NEVER,     ///< plain requests, no Hello, no comparison of schemas
    required = PP_IDS_REQUIRE,
};

/// How to connect; 0 means the default.
struct ClientOptions {
    std::chrono::milliseconds deadline{0};  ///< for connecting and Hello together; 5 s
    Ids ids = Ids::automatic;
    std::optional<std::uint32_t> slot{};  ///< needed with a many-client shared-memory server that is not ours
    std::uint32_t child_pid = 0;          ///< our own child's process id: connects eagerly while it lives
    std::uint32_t max_frame = 0;          ///< bytes; 64 MiB
    std::uint32_t max_in_flight = 0;      ///< unanswered calls; 1024
    std::size_t max_queued = 0;           ///< bytes of unsent requests; 16 MiB
    std::uint32_t spin_us = 0;            ///< shared memory: longest spin before sleeping; 20
};

/// A call that was made. It may be dropped: the reply is then thrown away when it comes.
template <class T>
class Call {
   public:
    /// Waits for the reply; a lost connection ends the wait. Once.
    Result<T> get() {
        std::unique_lock lock(state_->mutex);
        state_->done.wait(lock, [this] { return state_->result.has_value(); });
        return take();
    }

    /// Waits at most so long: then `Code::timeout`, and may be asked again; the call itself goes on.
    Result<T> get(std::chrono::nanoseconds timeout) {
        std::unique_lock lock(state_->mutex);
        if (!state_->done.wait_for(lock, timeout, [this] { return state_->result.has_value(); })) {
            return Error{Code::timeout, "no reply in time"};
        }
        return take();
    }

    /// Whether `get` would not wait.
    [[nodiscard]] bool ready() const {
        const std::lock_guard lock(state_->mutex);
        return state_->result.has_value();
    }

   private:
    friend class Client;

    struct State {
        std::mutex mutex;
        std::condition_variable done;
        std::optional<Result<T>> result;
    };

    Result<T> take() {
        Result<T> taken = std::move(*state_->result);
        state_->result = Error{Code::invalid, "the reply was taken already"};
        return taken;
    }

    std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// One connection; its methods may be called on any thread. Destroying it ends the calls in flight with `Code::closed`.
/// A child after fork() must not use it.
class Client {
   public:
    /// Connects, retrying while the server is not there yet.
    static Result<Client> connect(const std::string& address, const std::array<std::uint8_t, 32>& schema_hash = {},
                                  const ClientOptions& options = {}) {
        pp_client_options raw{};
        raw.deadline_ms = milliseconds(options.deadline);
        raw.ids = static_cast<std::uint32_t>(options.ids);
        raw.has_slot = options.slot.has_value();
        raw.slot = options.slot.value_or(0);
        raw.child_pid = options.child_pid;
        raw.max_frame = options.max_frame;
        raw.max_in_flight = options.max_in_flight;
        raw.spin_us = options.spin_us;
        raw.max_queued = options.max_queued;
        std::ranges::copy(schema_hash, raw.schema_hash);
        pp_error error{};
        pp_client* handle = pp_client_connect(address.c_str(), &raw, &error);
        if (handle == nullptr) {
            return Error{static_cast<Code>(error.status), error.message};
        }
        return Client(handle);
    }

    [[nodiscard]] bool uses_ids() const { return pp_client_uses_ids(handle_.get()) != 0; }
    /// Calls made and not answered, those that nobody waits for included.
    [[nodiscard]] std::size_t in_flight() const { return pp_client_in_flight(handle_.get()); }

    /// Calls a command. `name` ends with a NUL; `response` and `error` are names of replies and live for ever.
    template <class Response, class Failure, class Request>
    Call<Response> call(const char* name, std::string_view response, std::string_view error, const Request& request) {
        Call<Response> made;
        call<Response, Failure>(name, response, error, request, [state = made.state_](Result<Response> result) {
            const std::lock_guard lock(state->mutex);
            state->result.emplace(std::move(result));
            state->done.notify_all();
        });
        return made;
    }

    /// Calls a command; `then(Result<Response>)` runs exactly once: on the client's thread, where it must not block, or
    /// on this one if the request could not be sent. It must not throw.
    template <class Response, class Failure, class Request, std::invocable<Result<Response>> Then>
    void call(const char* name, std::string_view response, std::string_view error, const Request& request,
              Then&& then) {
        using Kept = Waiting<Response, Failure, std::decay_t<Then>>;
        auto waiting = std::make_unique<Kept>(Kept{response, error, std::forward<Then>(then)});
        const msgpack::Bytes payload = msgpack::encode(request);
        pp_error why{};
        const pp_status status =
            pp_client_submit(handle_.get(), name, payload.data(), payload.size(), &Kept::answer, waiting.get(), &why);
        if (status == PP_OK) {
            // NOLINTNEXTLINE(bugprone-unused-return-value): `answer` owns it, and may have run already.
            static_cast<void>(waiting.release());
        } else {
            waiting->then(Error{static_cast<Code>(status), why.message});
        }
    }

   private:
    struct Close {
        void operator()(pp_client* client) const { pp_client_close(client); }
    };

    template <class Response, class Failure, class Then>
    struct Waiting {
        std::string_view response;
        std::string_view error;
        Then then;

        static void answer(void* context, pp_status status, const char* name, std::size_t name_len,
                           const std::uint8_t* bytes, std::size_t bytes_len) noexcept {
            const std::unique_ptr<Waiting> self(static_cast<Waiting*>(context));
            self->then(self->outcome(status, std::string_view(name, name_len), {bytes, bytes_len}));
        }

        /// What the caller gets; never throws, because nobody is above to catch.
        Result<Response> outcome(pp_status status, std::string_view name,
                                 std::span<const std::uint8_t> bytes) const noexcept {
            try {
                if (status == PP_OK) {
                    return read(name, bytes);
                }
                const std::string why(bytes.begin(), bytes.end());
                return Error{static_cast<Code>(status), why};
            } catch (const std::bad_alloc&) {
                return Error{Code::system, "out of memory"};  // short enough to need none
            }
        }

        Result<Response> read(std::string_view name, std::span<const std::uint8_t> payload) const {
            if (name == error) {
                auto failure = msgpack::decode<Failure>(payload);
                if (auto* said = std::get_if<Failure>(&failure)) {
                    return Error{Code::refused, std::move(said->message)};
                }
                return undecodable(std::get<msgpack::DecodeError>(failure));
            }
            if (name != response) {
                return Error{Code::undecodable, "expected " + std::string(response) + ", got " + std::string(name)};
            }
            auto value = msgpack::decode<Response>(payload);
            if (auto* good = std::get_if<Response>(&value)) {
                return std::move(*good);
            }
            return undecodable(std::get<msgpack::DecodeError>(value));
        }

        Error undecodable(const msgpack::DecodeError& why) const {
            return {Code::undecodable, std::string(response) + ": " + why.message()};
        }
    };

    explicit Client(pp_client* handle) : handle_(handle) {}

    std::unique_ptr<pp_client, Close> handle_;
};

}  // namespace proofplane
