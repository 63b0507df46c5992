// Package jute is the encoding under every message and every file of
// ZooKeeper (client-protocol.md 1.1): big-endian numbers, counted strings,
// buffers and vectors, no tags and no padding. Append functions write to a
// slice, a Reader takes values from one.
package jute

import "encoding/binary"

// null is the length of a string, buffer or vector that is not there.
const null = -1

// AppendInt32 appends an int.
func AppendInt32(dst []byte, v int32) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(v))
}

// AppendInt64 appends a long.
func AppendInt64(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v))
}

// AppendBool appends a boolean.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// AppendString appends a ustring with the bytes of s as they are; see Text.
func AppendString(dst []byte, s string) []byte {
	dst = AppendInt32(dst, int32(len(s)))
	return append(dst, s...)
}

// AppendNull appends the length that stands for a null string, buffer or
// vector.
func AppendNull(dst []byte) []byte { return AppendInt32(dst, null) }

// AppendBuffer appends a buffer; nil becomes null, which differs from empty.
func AppendBuffer(dst, b []byte) []byte {
	if b == nil {
		return AppendNull(dst)
	}
	dst = AppendInt32(dst, int32(len(b)))
	return append(dst, b...)
}

// AppendStringVector appends a vector of ustring; nil becomes null.
func AppendStringVector(dst []byte, v []string) []byte {
	if v == nil {
		return AppendNull(dst)
	}
	dst = AppendInt32(dst, int32(len(v)))
	for _, s := range v {
		dst = AppendString(dst, s)
	}
	return dst
}
