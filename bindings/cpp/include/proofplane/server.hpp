// A server: generated services answer through responders, now or later, on any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "proofplane.h"
#include "proofplane/duration.hpp"
#include "proofplane/msgpack/codecs.hpp"
#include "proofplane/result.hpp"

namespace proofplane {

/// The one-shot right and duty to answer a request; destroyed unused, the caller gets an error. May be moved to any
/// thread.
template <class Response>
class Responder {
   public:
    explicit Responder(pp_responder* handle) : handle_(handle) {}

    /// Answers. False if it was answered already: then nothing happens. If there is no memory to pack the response, it
    /// throws and has not answered.
    bool ok(const Response& response) {
        if (!handle_) {
            return false;
        }
        const msgpack::Bytes payload = msgpack::encode(response);
        return pp_responder_reply(handle_.release(), payload.data(), payload.size()) == PP_OK;
    }

    /// Answers an error. False if it was answered already: then nothing happens.
    bool error(std::string_view message) {
        return handle_ && pp_responder_error(handle_.release(), message.data(), message.size()) == PP_OK;
    }

   private:
    struct Drop {
        void operator()(pp_responder* responder) const { pp_responder_drop(responder); }
    };

    std::unique_ptr<pp_responder, Drop> handle_;
};

/// Bounds of a server; 0 means the default.
struct ServerOptions {
    std::uint32_t max_frame = 0;      ///< bytes of a frame's body; 64 MiB
    std::uint32_t max_in_flight = 0;  ///< unanswered requests of one connection before it is no longer read; 1024
    std::size_t max_queued = 0;       ///< bytes of queued replies of one connection before it is no longer read; 16 MiB
    std::uint32_t max_connections = 0;      ///< served at once; 1024
    std::uint32_t max_waiting = 0;          ///< unanswered requests of all connections before nothing is read; 4096
    std::uint32_t workers = 0;              ///< threads that run handlers; as many as processors may be used
    std::uint32_t slots = 0;                ///< shared memory: clients at once; 8
    std::uint32_t spin_us = 0;              ///< shared memory: longest spin before sleeping; 20
    std::size_t request_ring = 0;           ///< shared memory: bytes of each request ring; 1 MiB
    std::size_t response_ring = 0;          ///< shared memory: bytes of each reply ring; 1 MiB
    std::vector<std::uint32_t> peers{};     ///< user ids that may connect besides our own and root
    std::chrono::milliseconds grace{1000};  ///< how long the destructor lets requests in flight finish
};

/// A running server: destroying it drains, then ends what is left with errors, and unlinks the address.
/// Not to be destroyed from inside a handler, which cannot wait for itself: the server then runs on until the process
/// ends.
class Server {
   public:
    /// Takes one request: its method's number, its packed fields, its responder. Runs on several threads at once.
    using Dispatch = std::function<void(std::uint32_t, std::span<const std::uint8_t>, pp_responder*)>;

    /// Serves at the address; when it returns, clients can connect.
    static Result<Server> start(const std::string& address, const pp_contract& contract, Dispatch dispatch,
                                const ServerOptions& options = {}) {
        pp_server_options raw{};
        raw.max_frame = options.max_frame;
        raw.max_in_flight = options.max_in_flight;
        raw.max_queued = options.max_queued;
        raw.max_connections = options.max_connections;
        raw.max_waiting = options.max_waiting;
        raw.workers = options.workers;
        raw.slots = options.slots;
        raw.spin_us = options.spin_us;
        raw.request_ring = options.request_ring;
        raw.response_ring = options.response_ring;
        raw.peers = options.peers.data();
        raw.peer_count = options.peers.size();
        auto kept = std::make_unique<Dispatch>(std::move(dispatch));
        pp_error error{};
        pp_server* handle = pp_server_start(address.c_str(), &contract, &raw, &Server::handle, kept.get(), &error);
        if (handle == nullptr) {
            return Error{static_cast<Code>(error.status), error.message};
        }
        return Server(std::make_unique<Running>(std::move(kept), milliseconds(options.grace), handle));
    }

    /// Counters since the start, and gauges, as they stood after the reactor's last turn.
    [[nodiscard]] pp_stats stats() const {
        pp_stats found{};
        pp_server_stats(running_->handle, &found);
        return found;
    }

   private:
    struct Running {
        std::unique_ptr<Dispatch> dispatch;
        std::uint32_t grace_ms;
        pp_server* handle;

        Running(std::unique_ptr<Dispatch> kept, std::uint32_t grace, pp_server* started)
            : dispatch(std::move(kept)), grace_ms(grace), handle(started) {}
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() {
            if (pp_server_stop(handle, grace_ms) != PP_OK) {
                // It runs on, so what its handlers use must stay.
                static_cast<void>(dispatch.release());
            }
        }
    };

    explicit Server(std::unique_ptr<Running> running) : running_(std::move(running)) {}

    static void handle(void* context, std::uint32_t method, const std::uint8_t* payload, std::size_t payload_len,
                       pp_responder* responder) noexcept {
        (*static_cast<Dispatch*>(context))(method, {payload, payload_len}, responder);
    }

    std::unique_ptr<Running> running_;
};

/// Gives a request to its handler, or answers why it cannot be read. A handler that throws leaves without a reply, and
/// so does a request for which there is no memory: the responder goes down with the frame, and its caller gets an
/// error.
template <class Request, class Response, class Handler>
void handle_request(std::string_view name, std::span<const std::uint8_t> payload, pp_responder* raw,
                    Handler&& handler) noexcept {
    Responder<Response> responder(raw);
    try {
        auto request = msgpack::decode<Request>(payload);
        if (const auto* why = std::get_if<msgpack::DecodeError>(&request)) {
            responder.error(std::string(name) + ": " + why->message());
        } else {
            handler(std::move(std::get<Request>(request)), std::move(responder));
        }
    } catch (...) {  // nobody is above to tell
    }
}

}  // namespace proofplane
