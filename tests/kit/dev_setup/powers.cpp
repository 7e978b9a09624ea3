// Writes powers of a KNOWN tau on BN254: `powers TAU COUNT FILE`. Insecure by purpose: whoever knows tau forges proofs. For tests only.
//
// Each power tau^i is cut into windows of 12 bits; a table holds every multiple of the generator that a window can ask for, so that
// a point is a sum of at most 22 table entries. Points are summed in batches, because a batch shares one field inversion per window.
// The file is in bb's own format: 64 bytes a point, x then y, big-endian.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using Limbs = std::array<uint64_t, 4>;  // little-endian
using Wide = unsigned __int128;

bool less(const Limbs& a, const Limbs& b) {
    for (int i = 3; i >= 0; i--)
        if (a[i] != b[i]) return a[i] < b[i];
    return false;
}

void subtract_from(Limbs& a, const Limbs& b) {
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        Wide d = Wide(a[i]) - b[i] - borrow;
        a[i] = uint64_t(d);
        borrow = uint64_t(d >> 64) & 1;
    }
}

void add_to(Limbs& a, const Limbs& b) {
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        Wide s = Wide(a[i]) + b[i] + carry;
        a[i] = uint64_t(s);
        carry = uint64_t(s >> 64);
    }
}

/// Integers modulo an odd number below 2^254, in Montgomery's form with R = 2^256.
template <const Limbs& M>
struct Modular {
    Limbs v{};

    static constexpr uint64_t negated_inverse() {
        uint64_t x = 1;  // Newton: each turn doubles the number of right bits
        for (int i = 0; i < 6; i++) x *= 2 - M[0] * x;
        return 0 - x;
    }

    static Modular one() {
        Modular x;
        x.v = {1, 0, 0, 0};
        for (int i = 0; i < 256; i++) x = x + x;
        return x;
    }

    static Modular of(const Limbs& plain) {
        Modular x;
        x.v = plain;
        for (int i = 0; i < 256; i++) x = x + x;
        return x;
    }

    Limbs plain() const {
        Modular unit;
        unit.v = {1, 0, 0, 0};
        return (*this * unit).v;
    }

    bool zero() const { return v == Limbs{}; }

    Modular operator+(const Modular& b) const {
        Modular r = *this;
        add_to(r.v, b.v);
        if (!less(r.v, M)) subtract_from(r.v, M);
        return r;
    }

    Modular operator-(const Modular& b) const {
        Modular r = *this;
        if (less(r.v, b.v)) add_to(r.v, M);
        subtract_from(r.v, b.v);
        return r;
    }

    Modular operator*(const Modular& b) const {
        constexpr uint64_t inverse = negated_inverse();
        uint64_t t[6] = {};
        for (int i = 0; i < 4; i++) {
            uint64_t carry = 0;
            for (int j = 0; j < 4; j++) {
                Wide s = Wide(v[i]) * b.v[j] + t[j] + carry;
                t[j] = uint64_t(s);
                carry = uint64_t(s >> 64);
            }
            Wide top = Wide(t[4]) + carry;
            t[4] = uint64_t(top);
            t[5] = uint64_t(top >> 64);
            uint64_t m = t[0] * inverse;
            carry = uint64_t((Wide(m) * M[0] + t[0]) >> 64);
            for (int j = 1; j < 4; j++) {
                Wide s = Wide(m) * M[j] + t[j] + carry;
                t[j - 1] = uint64_t(s);
                carry = uint64_t(s >> 64);
            }
            top = Wide(t[4]) + carry;
            t[3] = uint64_t(top);
            t[4] = t[5] + uint64_t(top >> 64);
        }
        Modular r;
        r.v = {t[0], t[1], t[2], t[3]};
        if (!less(r.v, M)) subtract_from(r.v, M);
        return r;
    }

    Modular power(const Limbs& exponent) const {
        Modular r = one();
        for (int i = 255; i >= 0; i--) {
            r = r * r;
            if (exponent[i / 64] >> (i % 64) & 1) r = r * *this;
        }
        return r;
    }

    Modular inverse() const {
        Limbs exponent = M;
        exponent[0] -= 2;
        return power(exponent);
    }
};

constexpr Limbs BASE_MODULUS = {0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029};
constexpr Limbs SCALAR_MODULUS = {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029};
using Base = Modular<BASE_MODULUS>;
using Scalar = Modular<SCALAR_MODULUS>;

struct Point {
    Base x, y;  // never the point at infinity
};

constexpr int WINDOW = 12;
constexpr int WINDOWS = (254 + WINDOW - 1) / WINDOW;
constexpr size_t DIGITS = (size_t(1) << WINDOW) - 1;
constexpr size_t BATCH = 2048;

/// Inverts all of them, with one inversion; none may be zero.
void invert(std::vector<Base>& values) {
    std::vector<Base> before(values.size());
    Base product = Base::one();
    for (size_t i = 0; i < values.size(); i++) {
        before[i] = product;
        product = product * values[i];
    }
    Base rest = product.inverse();
    for (size_t i = values.size(); i-- > 0;) {
        Base value = values[i];
        values[i] = rest * before[i];
        rest = rest * value;
    }
}

Point add(const Point& a, const Point& b, const Base& inverse_of_difference) {
    Base slope = (b.y - a.y) * inverse_of_difference;
    Base x = slope * slope - a.x - b.x;
    return {x, slope * (a.x - x) - a.y};
}

Point twice(const Point& a) {
    Base square = a.x * a.x;
    Base slope = (square + square + square) * (a.y + a.y).inverse();
    Base x = slope * slope - a.x - a.x;
    return {x, slope * (a.x - x) - a.y};
}

/// table[w][d - 1] = d * 2^(12 w) * generator.
std::vector<std::vector<Point>> make_table() {
    std::vector<std::vector<Point>> table(WINDOWS);
    std::vector<Point> firsts(WINDOWS);
    firsts[0] = {Base::of({1, 0, 0, 0}), Base::of({2, 0, 0, 0})};
    for (int w = 1; w < WINDOWS; w++) {
        firsts[w] = firsts[w - 1];
        for (int i = 0; i < WINDOW; i++) firsts[w] = twice(firsts[w]);
    }
    for (int w = 0; w < WINDOWS; w++) table[w] = {firsts[w], twice(firsts[w])};
    for (size_t d = 3; d <= DIGITS; d++) {
        std::vector<Base> differences(WINDOWS);
        for (int w = 0; w < WINDOWS; w++) differences[w] = firsts[w].x - table[w].back().x;
        invert(differences);
        for (int w = 0; w < WINDOWS; w++) table[w].push_back(add(table[w].back(), firsts[w], differences[w]));
    }
    return table;
}

void write_big_endian(const Limbs& value, uint8_t* to) {
    for (int i = 0; i < 32; i++) to[31 - i] = uint8_t(value[i / 8] >> (8 * (i % 8)));
}

size_t digit(const Limbs& scalar, int window) {
    int bit = window * WINDOW, limb = bit / 64, shift = bit % 64;
    uint64_t bits = scalar[limb] >> shift;
    if (shift + WINDOW > 64 && limb < 3) bits |= scalar[limb + 1] << (64 - shift);
    return bits & DIGITS;
}

/// The points of tau^first to tau^(first + count - 1).
/// A partial sum is a multiple below 2^(12 w) when window w is added, and the scalar is below the group's order:
/// so the two are never equal nor opposite, and the difference of their x is never zero.
void write_powers(const std::vector<std::vector<Point>>& table, const Scalar& tau, size_t first, size_t count, uint8_t* out) {
    Scalar power = tau.power({first, 0, 0, 0});
    std::vector<Limbs> scalars;
    std::vector<Point> sums(BATCH);
    std::vector<bool> begun;
    std::vector<size_t> who;
    std::vector<Base> differences;
    for (size_t start = 0; start < count; start += BATCH) {
        size_t size = std::min(BATCH, count - start);
        scalars.clear();
        for (size_t i = 0; i < size; i++, power = power * tau) scalars.push_back(power.plain());
        begun.assign(size, false);
        for (int w = 0; w < WINDOWS; w++) {
            who.clear();
            differences.clear();
            for (size_t i = 0; i < size; i++) {
                size_t d = digit(scalars[i], w);
                if (d == 0) continue;
                const Point& entry = table[w][d - 1];
                if (!begun[i]) {
                    sums[i] = entry;
                    begun[i] = true;
                    continue;
                }
                who.push_back(i);
                differences.push_back(entry.x - sums[i].x);
            }
            invert(differences);
            for (size_t k = 0; k < who.size(); k++) {
                size_t i = who[k];
                sums[i] = add(sums[i], table[w][digit(scalars[i], w) - 1], differences[k]);
            }
        }
        for (size_t i = 0; i < size; i++) {
            write_big_endian(sums[i].x.plain(), out + 64 * (start + i));
            write_big_endian(sums[i].y.plain(), out + 64 * (start + i) + 32);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4 || strlen(argv[1]) != 64) {
        fprintf(stderr, "powers TAU(64 hex digits) COUNT FILE\n");
        return 2;
    }
    Limbs tau;
    for (int i = 0; i < 4; i++) tau[3 - i] = strtoull(std::string(argv[1] + 16 * i, 16).c_str(), nullptr, 16);
    size_t count = strtoull(argv[2], nullptr, 10);
    Scalar base = Scalar::of(tau);
    auto table = make_table();
    std::vector<uint8_t> points(64 * count);
    size_t half = count / 2;
    std::thread other([&] { write_powers(table, base, half, count - half, points.data() + 64 * half); });
    write_powers(table, base, 0, half, points.data());
    other.join();
    FILE* file = fopen(argv[3], "wb");
    bool written = file && fwrite(points.data(), 1, points.size(), file) == points.size();
    return written && fclose(file) == 0 ? 0 : 1;
}
