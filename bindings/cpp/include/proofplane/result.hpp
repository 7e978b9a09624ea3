// A value or the reason why there is none; nothing in this runtime throws.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

#include "proofplane.h"

namespace proofplane {

/// Why something failed. The comment says what to do; those that the core reports have its numbers.
enum class Code {
    invalid = PP_INVALID,          ///< an argument is wrong: correct it
    in_use = PP_IN_USE,            ///< a living server has this address
    system = PP_SYSTEM,            ///< the operating system refused
    unreachable = PP_UNREACHABLE,  ///< no connection came about before the deadline, or none can
    too_large = PP_TOO_LARGE,      ///< the frame is larger than the connection carries
    busy = PP_BUSY,                ///< too much is unsent or unanswered: let replies come in
    ended = PP_ENDED,              ///< the server closed, died or cut us off: connect again
    broken = PP_BROKEN,            ///< the bytes make no sense, or a defect of ours
    closed = PP_CLOSED,            ///< this side closed the client
    mismatch = PP_MISMATCH,        ///< the server serves another schema, or lacks the required request ids
    forked = PP_FORKED,            ///< used in a child after fork()
    timeout = 100,                 ///< nobody waited longer; the call itself goes on
    refused = 101,                 ///< the server answered an error: the message is the server's
    undecodable = 102,             ///< the reply came and is not what the schema says
};

/// A failure: a code for the program, a sentence for people.
struct Error {
    Code code;
    std::string message;

    bool operator==(const Error&) const = default;
};

/// A value or an error.
template <class T>
class [[nodiscard]] Result {
   public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const { return content_.index() == 0; }
    explicit operator bool() const { return ok(); }

    /// The value; only when `ok()`.
    T& value() & {
        assert(ok());
        return *std::get_if<0>(&content_);
    }
    const T& value() const& {
        assert(ok());
        return *std::get_if<0>(&content_);
    }
    T&& value() && { return std::move(value()); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    /// The error; only when not `ok()`.
    [[nodiscard]] const Error& error() const {
        assert(!ok());
        return *std::get_if<1>(&content_);
    }

   private:
    std::variant<T, Error> content_;
};

}  // namespace proofplane
