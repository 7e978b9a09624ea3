// The runtime against itself: what a caller sees on each path of a call. Prints one line a test; the exit status is the
// number that failed.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "echo_client.hpp"
#include "echo_service.hpp"
#include "famine.hpp"

namespace {

using namespace std::chrono_literals;
using famine::Famine;
using proofplane::Code;
using proofplane::Responder;
using proofplane::Result;
namespace msgpack = proofplane::msgpack;

/// Fails the running test.
void require(bool condition, const std::string& what) {
    if (!condition) {
        throw std::runtime_error(what);
    }
}

/// Answers in every wrong way; `sleep` keeps its responder until the test asks for it.
class Odd final : public echo::EchoService {
   public:
    std::promise<Responder<echo::SleepResponse>> kept;

    void echo_bytes(echo::EchoBytes request, Responder<echo::EchoBytesResponse> responder) override {
        const bool first = responder.ok({.data = request.data});
        const bool second = responder.ok({.data = {1, 2, 3}}) || responder.error("twice");
        if (!first || second) {
            std::abort();
        }
    }
    void echo_everything(echo::EchoEverything, Responder<echo::EchoEverythingResponse>) override {
        throw std::runtime_error("a handler's exception");
    }
    void measure(echo::Measure request, Responder<echo::MeasureResponse> responder) override {
        responder.ok({.name = request.name, .number = request.number, .digest = request.digest, .tag = 1});
    }
    void sleep(echo::Sleep, Responder<echo::SleepResponse> responder) override { kept.set_value(std::move(responder)); }
    void fail(echo::Fail request, Responder<echo::FailResponse> responder) override {
        responder.error(request.message);
    }
    void forget(echo::Forget, Responder<echo::ForgetResponse>) override {}
};

/// A server with a client.
struct Pair {
    std::string address;
    std::shared_ptr<Odd> service = std::make_shared<Odd>();
    std::optional<proofplane::Server> server;
    std::optional<echo::EchoClient> client;

    explicit Pair(const std::string& at) : address(at) {
        auto started = echo::serve(address, service, {.workers = 2, .grace = 0ms});
        require(started.ok(), started ? "" : started.error().message);
        server.emplace(std::move(started).value());
        auto connected = echo::connect(address);
        require(connected.ok(), connected ? "" : connected.error().message);
        client.emplace(std::move(connected).value());
    }
};

void a_call_can_time_out_and_be_asked_again(Pair& pair) {
    auto call = pair.client->sleep({.milliseconds = 0, .token = 9});
    auto responder = pair.service->kept.get_future().get();
    const auto early = call.get(0ns);
    require(!early && early.error().code == Code::timeout, "it did not time out");
    require(!call.ready() && pair.client->client().in_flight() == 1, "the call did not go on");
    std::thread([&] { responder.ok({.token = 9}); }).join();
    require(call.get()->token == 9, "another reply");
    require(call.get().error().code == Code::invalid, "a reply was taken twice");
}

void a_dropped_call_disturbs_nobody(Pair& pair) {
    static_cast<void>(pair.client->sleep({}));
    auto responder = pair.service->kept.get_future().get();
    responder.ok({});
    require(pair.client->echo_bytes({.data = {7}}).get()->data == std::vector<std::uint8_t>{7}, "another reply");
}

void only_the_first_answer_counts(Pair& pair) {
    require(pair.client->echo_bytes({.data = {7}}).get()->data == std::vector<std::uint8_t>{7}, "another reply");
}

void a_handler_that_throws_or_forgets_answers_an_error(Pair& pair) {
    require(pair.client->echo_everything({}).get().error().code == Code::refused, "throwing gave no error");
    require(pair.client->forget({}).get().error().code == Code::refused, "forgetting gave no error");
}

void a_request_that_cannot_be_read_is_refused_by_name(Pair& pair) {
    const auto reply = pair.client->client()
                           .call<echo::MeasureResponse, echo::ErrorResponse>("Measure", "MeasureResponse",
                                                                             "ErrorResponse", echo::Sleep{})
                           .get();
    require(reply.error() == proofplane::Error{Code::refused, "Measure: the field `name` is missing"},
            reply.error().message);
}

void a_reply_that_cannot_be_read_is_undecodable(Pair& pair) {
    auto& client = pair.client->client();
    const auto misnamed = client
                              .call<echo::SleepResponse, echo::ErrorResponse>("EchoBytes", "SleepResponse",
                                                                              "ErrorResponse", echo::EchoBytes{})
                              .get();
    require(misnamed.error() == proofplane::Error{Code::undecodable, "expected SleepResponse, got EchoBytesResponse"},
            "misnamed");
    const auto mistyped = client
                              .call<echo::SleepResponse, echo::ErrorResponse>("EchoBytes", "EchoBytesResponse",
                                                                              "ErrorResponse", echo::EchoBytes{})
                              .get();
    require(mistyped.error().code == Code::undecodable, "mistyped");
}

void destroying_the_client_ends_its_calls(Pair& pair) {
    std::optional<Code> code;
    pair.client->sleep({}, [&](Result<echo::SleepResponse> reply) { code = reply.error().code; });
    pair.client.reset();
    require(code == Code::closed, "the callback did not run, or with another code");
}

void destroying_the_server_ends_its_calls_and_frees_the_address(Pair& pair) {
    auto call = pair.client->sleep({});
    auto responder = pair.service->kept.get_future().get();
    pair.server.reset();
    const auto reply = call.get();
    require(!reply && (reply.error().code == Code::refused || reply.error().code == Code::ended), "it did not end");
    responder.ok({});  // reaches nobody
    require(echo::serve(pair.address, pair.service).ok(), "the address is not free");
}

void an_address_has_one_server(Pair& pair) {
    const auto second = echo::serve(pair.address, pair.service);
    require(!second && second.error().code == Code::in_use, "a second server started");
    const auto nowhere = echo::connect("no-suffix");
    require(!nowhere && nowhere.error().code == Code::invalid, "a bad address was taken");
}

void a_callback_may_call(Pair& pair) {
    std::promise<std::size_t> left;
    std::size_t rounds = 100;
    std::function<void(Result<echo::EchoBytesResponse>)> again = [&](Result<echo::EchoBytesResponse> reply) {
        if (!reply || --rounds == 0) {
            left.set_value(rounds);
        } else {
            pair.client->echo_bytes({.data = reply->data}, again);
        }
    };
    pair.client->echo_bytes({}, again);
    require(left.get_future().get() == 0, "a call failed");
}

void many_threads_share_a_client(Pair& pair) {
    std::vector<std::jthread> threads;
    std::mutex mutex;
    int wrong = 0;
    for (std::uint32_t thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            for (std::uint32_t number = thread * 100; number < thread * 100 + 100; ++number) {
                const auto reply = pair.client->measure({.name = "m", .number = number}).get();
                const std::lock_guard lock(mutex);
                wrong += !reply || reply->number != number;
            }
        });
    }
    threads.clear();
    require(wrong == 0, std::to_string(wrong) + " replies were wrong");
}

void a_forked_child_is_told(Pair& pair) {
    const pid_t child = fork();
    if (child == 0) {
        std::optional<Code> code;
        pair.client->sleep({}, [&](Result<echo::SleepResponse> reply) { code = reply.error().code; });
        _exit(code == Code::forked ? 0 : 1);
    }
    int status = 0;
    require(waitpid(child, &status, 0) == child && status == 0, "the child was not told");
    require(pair.client->echo_bytes({}).get().ok(), "the parent's client suffered");
}

void a_forked_child_cannot_end_its_parents_server(Pair& pair) {
    const pid_t child = fork();
    if (child == 0) {
        const bool untold = pair.server->stats().accepted != 0;
        pair.server.reset();
        _exit(untold ? 1 : 0);
    }
    int status = 0;
    require(waitpid(child, &status, 0) == child && status == 0, "the child was not told");
    require(pair.client->echo_bytes({}).get().ok(), "the parent's server suffered");
    require(echo::connect(pair.address).ok(), "the address is gone");
}

void without_memory_for_a_request_its_caller_gets_an_error(Pair& pair) {
    const std::vector<std::uint8_t> large(300'000);
    {
        const Famine everywhere;
        const auto reply = pair.client->echo_bytes({.data = large}).get();
        require(!reply && reply.error().code == Code::refused, "no error");
    }
    require(pair.client->echo_bytes({.data = {7}}).get().ok(), "the server suffered");
}

void without_memory_for_a_reply_its_caller_is_told(Pair& pair) {
    const std::vector<std::uint8_t> large(300'000);
    std::promise<std::thread::id> reader;
    pair.client->echo_bytes({}, [&](auto) { reader.set_value(std::this_thread::get_id()); });
    const auto client_thread = reader.get_future().get();
    {
        const Famine there(client_thread);
        const auto reply = pair.client->echo_bytes({.data = large}).get();
        require(!reply && reply.error().code == Code::system, "another outcome");
    }
    require(pair.client->echo_bytes({.data = large}).get()->data == large, "the client suffered");
}

/// What decoding these bytes as a T says.
template <class T>
std::string why(const msgpack::Bytes& bytes) {
    const auto value = msgpack::decode<T>(bytes);
    const auto* error = std::get_if<msgpack::DecodeError>(&value);
    return error == nullptr ? "" : error->message();
}

void a_decoding_error_says_where() {
    echo::EchoEverything request;
    request.value.points.resize(3);
    auto bytes = msgpack::encode(request);
    require(why<echo::EchoEverything>(bytes).empty(), "a good value was refused");
    const std::string text(bytes.begin(), bytes.end());
    bytes[text.rfind("\xa1y\xc4") + 3] = 31;  // the length of the last point's y
    require(why<echo::EchoEverything>(bytes) == "value.points[].y: expected 32 bytes, got 31",
            why<echo::EchoEverything>(bytes));
}

void an_announced_count_is_not_trusted() {
    // {"value": {"points": array of 2^32 - 1, and nothing}}
    msgpack::Writer writer;
    writer.map(1);
    writer.text("value");
    writer.map(1);
    writer.text("points");
    auto bytes = writer.take();
    bytes.insert(bytes.end(), {0xdd, 0xff, 0xff, 0xff, 0xff});
    require(why<echo::EchoEverything>(bytes) == "value.points[]: more values are announced than bytes are left",
            why<echo::EchoEverything>(bytes));
}

void unknown_fields_of_any_depth_are_passed_over() {
    msgpack::Bytes bytes{0x82, 0xa1, 'x'};
    bytes.insert(bytes.end(), 100000, 0x91);  // arrays inside arrays: no recursion may follow them
    bytes.insert(bytes.end(), {0xc0, 0xa5, 't', 'o', 'k', 'e', 'n', 0x05});
    const auto value = msgpack::decode<echo::SleepResponse>(bytes);
    require(std::get<echo::SleepResponse>(value).token == 5, "another token");
}

struct Test {
    std::string name;
    std::function<void()> body;
};

std::vector<Test> all() {
    using Body = void (*)(Pair&);
    const std::pair<std::string, Body> paired[] = {
        {"a call can time out and be asked again", a_call_can_time_out_and_be_asked_again},
        {"a dropped call disturbs nobody", a_dropped_call_disturbs_nobody},
        {"only the first answer counts", only_the_first_answer_counts},
        {"a handler that throws or forgets answers an error", a_handler_that_throws_or_forgets_answers_an_error},
        {"a request that cannot be read is refused by name", a_request_that_cannot_be_read_is_refused_by_name},
        {"a reply that cannot be read is undecodable", a_reply_that_cannot_be_read_is_undecodable},
        {"destroying the client ends its calls", destroying_the_client_ends_its_calls},
        {"destroying the server ends its calls and frees the address",
         destroying_the_server_ends_its_calls_and_frees_the_address},
        {"an address has one server", an_address_has_one_server},
        {"a callback may call", a_callback_may_call},
        {"many threads share a client", many_threads_share_a_client},
        {"a forked child is told", a_forked_child_is_told},
        {"a forked child cannot end its parent's server", a_forked_child_cannot_end_its_parents_server},
        {"without memory for a request its caller gets an error",
         without_memory_for_a_request_its_caller_gets_an_error},
        {"without memory for a reply its caller is told", without_memory_for_a_reply_its_caller_is_told},
    };
    std::vector<Test> tests = {
        {"a decoding error says where", a_decoding_error_says_where},
        {"an announced count is not trusted", an_announced_count_is_not_trusted},
        {"unknown fields of any depth are passed over", unknown_fields_of_any_depth_are_passed_over},
    };
    const std::string process = std::to_string(getpid());
    for (const auto& address : {"/tmp/pp-runtime-" + process + ".sock", "pp-runtime-" + process + ".shm"}) {
        for (const auto& [name, body] : paired) {
            tests.push_back({name + ", " + address.substr(address.rfind('.')), [address, body = body] {
                                 Pair pair(address);
                                 body(pair);
                             }});
        }
    }
    return tests;
}

}  // namespace

int main() {
    int failed = 0;
    for (const auto& test : all()) {
        try {
            test.body();
            std::cout << "ok " << test.name << '\n';
        } catch (const std::exception& error) {
            ++failed;
            std::cout << "FAILED " << test.name << ": " << error.what() << '\n';
        }
    }
    return failed;
}
