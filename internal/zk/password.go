package zk

import "encoding/binary"

// PasswordLen is the length of every session password.
const PasswordLen = 16

// Password derives the password of a session the way every server of an
// ensemble does (client-protocol.md 2.6).
func Password(id SessionID) [PasswordLen]byte {
	const (
		secret     = 0xB3415C00
		multiplier = 0x5DEECE66D
		mask       = 1<<48 - 1
	)
	var p [PasswordLen]byte
	seed := ((uint64(id) ^ secret) ^ multiplier) & mask
	for i := 0; i < PasswordLen; i += 4 {
		seed = (seed*multiplier + 0xB) & mask
		binary.LittleEndian.PutUint32(p[i:], uint32(seed>>16))
	}
	return p
}
