// Requests `[[Name, {..}]]` and `[id, [Name, {..}]]`, replies `[Name, {..}]` and `[id, that]`.
#include "envelope.hpp"

#include "proofplane/msgpack/utf8.hpp"

namespace {

/// The longest name that is read.
constexpr std::uint64_t kLongestName = 255;

/// Thrown and caught in this file only: an envelope has eight reasons and a handful of steps.
struct Unreadable {
    std::string_view reason;
};

class Cursor {
   public:
    explicit Cursor(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

    std::span<const std::uint8_t> rest() const { return rest_; }

    std::uint8_t peek() const {
        if (rest_.empty()) {
            throw Unreadable{"truncated"};
        }
        return rest_.front();
    }

    std::span<const std::uint8_t> take(std::uint64_t count) {
        if (count > rest_.size()) {
            throw Unreadable{"truncated"};
        }
        const auto taken = rest_.first(static_cast<std::size_t>(count));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

    std::uint64_t big_endian(std::size_t width) {
        std::uint64_t value = 0;
        for (const std::uint8_t byte : take(width)) {
            value = value << 8 | byte;
        }
        return value;
    }

    std::uint64_t array(std::string_view otherwise) {
        const std::uint8_t tag = take(1).front();
        if ((tag & 0xf0) == 0x90) {
            return tag & 0x0f;
        }
        if (tag != 0xdc && tag != 0xdd) {
            throw Unreadable{otherwise};
        }
        return big_endian(tag == 0xdc ? 2 : 4);
    }

    std::uint64_t id() {
        const std::uint8_t tag = take(1).front();
        std::uint64_t value = tag;
        if (tag >= 0xcc && tag <= 0xd3) {
            const std::size_t width = std::size_t{1} << ((tag - 0xcc) & 3);
            value = big_endian(width);
            if (tag >= 0xd0 && value >> (8 * width - 1) != 0) {
                throw Unreadable{"id_not_an_integer"};
            }
        } else if (tag >= 0x80) {
            throw Unreadable{"id_not_an_integer"};
        }
        if (value == 0) {
            throw Unreadable{"id_zero"};
        }
        return value;
    }

    static bool is_text(std::uint8_t tag) { return (tag & 0xe0) == 0xa0 || (tag >= 0xd9 && tag <= 0xdb); }

    std::string name() {
        const std::uint8_t tag = take(1).front();
        if (!is_text(tag)) {
            throw Unreadable{"bad_name"};
        }
        const std::uint64_t length = (tag & 0xe0) == 0xa0 ? tag & 0x1f : big_endian(std::size_t{1} << (tag - 0xd9));
        if (length > kLongestName) {
            throw Unreadable{"bad_name"};
        }
        const auto bytes = take(length);
        std::string text(bytes.begin(), bytes.end());
        if (!proofplane::msgpack::is_utf8(text)) {
            throw Unreadable{"name_not_utf8"};
        }
        return text;
    }

   private:
    std::span<const std::uint8_t> rest_;
};

Envelope read(std::span<const std::uint8_t> body, bool request) {
    if (body.empty()) {
        throw Unreadable{"empty"};
    }
    Cursor cursor(body);
    const std::uint64_t outer = cursor.array("not_an_envelope");
    if (outer != 2 && !(request && outer == 1)) {
        throw Unreadable{"not_an_envelope"};
    }
    Envelope envelope;
    const bool plain = request ? outer == 1 : Cursor::is_text(cursor.peek());
    if (!plain) {
        envelope.id = cursor.id();
    }
    if ((request || !plain) && cursor.array("not_a_pair") != 2) {
        throw Unreadable{"not_a_pair"};
    }
    envelope.name = cursor.name();
    cursor.peek();  // something must follow the name
    envelope.payload = cursor.rest();
    return envelope;
}

}  // namespace

std::variant<Envelope, std::string_view> read_envelope(std::span<const std::uint8_t> body, bool request) {
    try {
        return read(body, request);
    } catch (const Unreadable& unreadable) {
        return unreadable.reason;
    }
}

proofplane::msgpack::Bytes write_envelope(const Envelope& envelope, bool request) {
    proofplane::msgpack::Writer writer;
    if (envelope.id) {
        writer.array(2);
        writer.integer(*envelope.id);
    } else if (request) {
        writer.array(1);
    }
    writer.array(2);
    writer.text(envelope.name);
    writer.packed(envelope.payload);
    return writer.take();
}
