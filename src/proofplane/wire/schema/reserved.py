"""Names that a contract may not use, because one of the five languages gives them a meaning of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proofplane.wire.names import camel, pascal, snake

_PYTHON = """
    False None True and as assert async await break class continue def del elif else except finally for from global if import in is
    lambda nonlocal not or pass raise return try while with yield self
"""

_CPP = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl concept const
    consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do double dynamic_cast else
    enum explicit export extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr
    operator or or_eq private protected public register reinterpret_cast requires return short signed sizeof static static_assert
    static_cast struct switch template this thread_local throw true try typedef typeid typename union unsigned using virtual void
    volatile wchar_t while xor xor_eq std errno linux unix assert stdin stdout stderr
"""

_RUST = """
    abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in let loop
    macro match mod move mut override priv pub ref return self static struct super trait true try type typeof unsafe unsized use
    virtual where while yield
"""

_ZIG = """
    addrspace align allowzero and anyframe anytype asm async await break callconv catch comptime const continue defer else enum
    errdefer error export extern fn for if inline linksection noalias noinline nosuspend opaque or orelse packed pub resume return
    struct suspend switch test threadlocal try union unreachable usingnamespace var volatile while bool void type anyerror anyopaque
    noreturn comptime_int comptime_float isize usize c_char c_short c_ushort c_int c_uint c_long c_ulong c_longlong c_ulonglong
    c_longdouble f16 f32 f64 f80 f128 true false null undefined u1 u8 u16 u32 u64 u128 i8 i16 i32 i64 i128
"""

_TYPESCRIPT = """
    arguments await break case catch class const constructor continue debugger default delete do else enum eval export extends false
    finally for function if implements import in instanceof interface let new null package private protected prototype public return
    static super switch this throw true try typeof undefined var void while with yield
"""

_TYPE_NAMES = """
    Allocator Any Arc Array BTreeMap BigInt Bool Boolean Box Buffer Bytes CallOptions Caller Clone Codec Command Contract Copy Debug
    DecodeError Default Dict Err Error ErrorMessage Exact Exception False Float Function Future Generic HashMap Infinity Int Iterator
    List Map Message Method NaN Never None Number Object Ok Option Optional Pack Packed PartialEq Promise Proxy Rc Reader Readonly
    ReadonlyArray ReadonlyMap Record RegExp Result Self ServeOptions Server Set Some String Struct Symbol Then True Tuple Type
    Uint8Array Union Unpack Vec Vector Void WeakMap WeakSet Writer
"""
"""Types in reach of generated code: preludes, globals, and the runtimes' own."""

_PYTHON_MODULES = "abc builtins collections msgspec proofplane typing"
"""What a generated module imports: a module of the same name beside it would be found instead."""

_CPP_GLOBALS = """
    abort abs accept access acct alarm bind brk calloc ceil clock clone close connect cos crypt daemon div drem dup environ erf exit
    exp fdim finite floor fork free gamma getline getopt index kill labs linger link listen log main malloc nan nice pause pipe poll
    pow printf profil proofplane puts qsort raise rand random read realloc recv remove rename revoke rewind rindex rint round scanf
    select send shutdown signal sin sleep socket sqrt stat strlen swab symlink sync syscall system tan time timer times trunc truncate
    uint ulong unlink unshare ushort wait write yn
"""
"""Functions and types of the C library, whose headers ours bring along, as far as they are words: no namespace can have their names."""

_RUST_CRATES = "alloc core proofplane_rpc std"
"""Crates in reach of every Rust program: a module of the same name beside them makes their paths ambiguous."""

_METHOD_NAMES = "call close connect drop then"
"""Methods that clients have already; `then` would make a TypeScript object look like a promise, `drop` a Rust one like a destructor."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How one language writes one kind of name, and what it may not be then."""

    language: str
    spell: Callable[[str], str]
    reserved: frozenset[str]


def _spelling(language: str, spell: Callable[[str], str], words: str) -> Spelling:
    return Spelling(language, spell, frozenset(words.split()))


FIELDS = (
    _spelling("Python", snake, _PYTHON),
    _spelling("C++", snake, _CPP),
    _spelling("Rust", snake, _RUST),
    _spelling("Zig", snake, _ZIG),
    _spelling("TypeScript", camel, _TYPESCRIPT),
)
"""Fields of structs."""

METHODS = (
    _spelling("Python", snake, _PYTHON + _METHOD_NAMES),
    _spelling("C++", snake, _CPP + _METHOD_NAMES),
    _spelling("Rust", snake, _RUST + _METHOD_NAMES),
    _spelling("Zig", camel, _ZIG + _METHOD_NAMES),
    _spelling("TypeScript", camel, _TYPESCRIPT + _METHOD_NAMES),
)
"""Methods of clients and services, one for each command."""

SERVICES = (
    _spelling("Python", snake, _PYTHON + _PYTHON_MODULES),
    _spelling("C++", snake, _CPP + _CPP_GLOBALS),
    _spelling("Rust", snake, _RUST + _RUST_CRATES),
)
"""Services, as modules and namespaces."""

TYPES = (_spelling("every language", pascal, _TYPE_NAMES),)
"""Types, aliases, requests, responses and the error, spelled alike everywhere."""

DERIVED_TYPES = ("Client", "BlockingClient", "Service", "Method")
"""What generated code appends to the service's name for classes of its own, beside the contract's types."""

DERIVED_VALUES = ("Methods", "Contract")
"""What generated TypeScript appends to the service's name for constants, beside a function `readPoint` and `writePoint` for each type."""
