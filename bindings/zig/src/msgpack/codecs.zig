//! How each type of a contract is written and read: small types that generated structs are described with.
//!
//! A codec has `write(*Writer, value)` and `read(T, *Reader) T`; the Zig type decides widths and sizes, the codec the kind on the wire.

const std = @import("std");
const Reader = @import("Reader.zig");
const Writer = @import("Writer.zig");

/// Items for which a list reserves room before it has seen them: a claimed length costs its sender nothing, room costs us.
const most_reserved = 1024;

/// u8 to u64.
pub const Integer = struct {
    pub fn write(writer: *Writer, value: anytype) Writer.Error!void {
        try writer.integer(value);
    }
    pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
        return reader.integer(T);
    }
};

/// f64.
pub const Float = struct {
    pub fn write(writer: *Writer, value: f64) Writer.Error!void {
        try writer.float(value);
    }
    pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
        return reader.float();
    }
};

/// bool.
pub const Bool = struct {
    pub fn write(writer: *Writer, value: bool) Writer.Error!void {
        try writer.boolean(value);
    }
    pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
        return reader.boolean();
    }
};

/// UTF-8 text.
pub const String = struct {
    pub fn write(writer: *Writer, value: []const u8) Writer.Error!void {
        try writer.string(value);
    }
    pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
        return reader.string();
    }
};

/// Bytes of any size.
pub const Bytes = struct {
    pub fn write(writer: *Writer, value: []const u8) Writer.Error!void {
        try writer.bytes(value);
    }
    pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
        return reader.bytes();
    }
};

/// Bytes of exactly the size of the Zig array.
pub const FixedBytes = struct {
    pub fn write(writer: *Writer, value: anytype) Writer.Error!void {
        try writer.bytes(&value);
    }
    pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
        const size = @typeInfo(T).array.len;
        const found = try reader.bytes();
        return if (found.len == size) found[0..size].* else reader.wrongLength(size, found.len);
    }
};

/// The value, or nil.
pub fn Optional(comptime Inner: type) type {
    return struct {
        pub fn write(writer: *Writer, value: anytype) Writer.Error!void {
            if (value) |inner| try Inner.write(writer, inner) else try writer.nil();
        }
        pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
            return if (reader.isNil()) null else try Inner.read(@typeInfo(T).optional.child, reader);
        }
    };
}

/// Any number of items: a slice.
pub fn List(comptime Inner: type) type {
    return struct {
        pub fn write(writer: *Writer, value: anytype) Writer.Error!void {
            try writer.array(value.len);
            for (value) |item| try Inner.write(writer, item);
        }
        pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
            const Item = @typeInfo(T).pointer.child;
            const count = try reader.array();
            var items: std.ArrayList(Item) = try .initCapacity(reader.arena, @min(count, most_reserved));
            for (0..count) |_| try items.append(reader.arena, try Inner.read(Item, reader));
            return items.items;
        }
    };
}

/// As many items as the Zig array has.
pub fn Array(comptime Inner: type) type {
    return struct {
        pub fn write(writer: *Writer, value: anytype) Writer.Error!void {
            try writer.array(value.len);
            for (value) |item| try Inner.write(writer, item);
        }
        pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
            var items: T = undefined;
            const count = try reader.array();
            if (count != items.len) return reader.wrongLength(items.len, count);
            for (&items) |*item| item.* = try Inner.read(@typeInfo(T).array.child, reader);
            return items;
        }
    };
}

/// A Zig tuple, each item by its codec.
pub fn Tuple(comptime inners: anytype) type {
    return struct {
        pub fn write(writer: *Writer, value: anytype) Writer.Error!void {
            try writer.array(inners.len);
            inline for (inners, 0..) |Inner, at| try Inner.write(writer, value[at]);
        }
        pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
            var items: T = undefined;
            const count = try reader.array();
            if (count != inners.len) return reader.wrongLength(inners.len, count);
            inline for (inners, 0..) |Inner, at| items[at] = try Inner.read(@TypeOf(items[at]), reader);
            return items;
        }
    };
}

/// One value of a map, with its integer key.
pub fn Entry(comptime Key: type, comptime Value: type) type {
    return struct { key: Key, value: Value };
}

/// A slice of entries: written with ascending keys whatever their order, read as ascending; of two equal keys the later one counts.
pub fn Map(comptime Inner: type) type {
    return struct {
        pub fn write(writer: *Writer, value: anytype) Writer.Error!void {
            const Item = std.meta.Child(@TypeOf(value));
            const items = try writer.allocator.dupe(Item, value);
            defer writer.allocator.free(items);
            const kept = ascending(Item, items);
            try writer.map(kept.len);
            for (kept) |item| {
                try writer.integer(item.key);
                try Inner.write(writer, item.value);
            }
        }
        pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
            const Item = std.meta.Child(T);
            const count = try reader.map();
            var items: std.ArrayList(Item) = try .initCapacity(reader.arena, @min(count, most_reserved));
            for (0..count) |_| {
                const key = try reader.integer(@FieldType(Item, "key"));
                try items.append(reader.arena, .{ .key = key, .value = try Inner.read(@FieldType(Item, "value"), reader) });
            }
            return ascending(Item, items.items);
        }
        fn ascending(comptime Item: type, items: []Item) []Item {
            // Stable, so that of equal keys the one given last stands last.
            std.mem.sort(Item, items, {}, struct {
                fn before(_: void, left: Item, right: Item) bool {
                    return left.key < right.key;
                }
            }.before);
            var kept: usize = 0;
            for (items) |item| {
                if (kept == 0 or items[kept - 1].key != item.key) kept += 1;
                items[kept - 1] = item;
            }
            return items[0..kept];
        }
    };
}

/// Bytes that hold the packed value and nothing else.
pub fn Packed(comptime Inner: type) type {
    return struct {
        pub fn write(writer: *Writer, value: anytype) Writer.Error!void {
            var inner: Writer = .init(writer.allocator);
            defer inner.deinit();
            try Inner.write(&inner, value);
            try writer.bytes(inner.written());
        }
        pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
            var inner: Reader = .init(try reader.bytes(), reader.arena);
            errdefer reader.fault = inner.fault;
            const value = try Inner.read(T, &inner);
            try inner.finish();
            return value;
        }
    };
}

/// A struct: a map by field names, written in order, read in any order; unknown fields are passed over.
/// Each of `fields` is the name in Zig, the name on the wire and the codec.
pub fn Struct(comptime fields: anytype) type {
    return struct {
        pub fn write(writer: *Writer, value: anytype) Writer.Error!void {
            try writer.map(fields.len);
            inline for (fields) |field| {
                try writer.string(field[1]);
                try field[2].write(writer, @field(value, field[0]));
            }
        }
        pub fn read(comptime T: type, reader: *Reader) Reader.Error!T {
            var value: T = undefined;
            var seen: [fields.len]bool = @splat(false);
            for (0..try reader.map()) |_| {
                const key = try reader.string();
                inline for (fields, 0..) |field, at| {
                    if (std.mem.eql(u8, key, field[1])) {
                        @field(value, field[0]) = try field[2].read(@FieldType(T, field[0]), reader);
                        seen[at] = true;
                        break;
                    }
                } else try reader.skip();
            }
            inline for (fields, seen) |field, was_seen| if (!was_seen) return reader.missing(field[1]);
            return value;
        }
    };
}
