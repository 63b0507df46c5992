package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// FrameHeaderLen is the length of a frame's own length.
const FrameHeaderLen = 4

// ErrFrameLength says that a frame's length is negative or above the limit.
// The connection must be closed; nothing after it can be understood.
var ErrFrameLength = errors.New("frame length out of range")

// BeginFrame appends the place for a frame's length and returns where it is,
// for EndFrame.
func BeginFrame(dst []byte) (buf []byte, at int) {
	return append(dst, 0, 0, 0, 0), len(dst)
}

// EndFrame completes the frame that BeginFrame started at at: it ends where
// dst ends.
func EndFrame(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-FrameHeaderLen))
	return dst
}

// AppendFrame appends payload as one frame.
func AppendFrame(dst, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	return append(dst, payload...)
}

// SplitFrame takes the first frame from the front of b. frame is its payload,
// an alias of b, and n the number of bytes that frame and length take. A frame
// that is not yet there as a whole is nil with n 0. A length outside 0..maxLen
// is an error, told before the payload is there (client-protocol.md 1.6).
func SplitFrame(b []byte, maxLen int) (frame []byte, n int, err error) {
	if len(b) < FrameHeaderLen {
		return nil, 0, nil
	}
	size := int32(binary.BigEndian.Uint32(b))
	if size < 0 || int(size) > maxLen {
		return nil, 0, fmt.Errorf("%w: %d, limit %d", ErrFrameLength, size, maxLen)
	}
	n = FrameHeaderLen + int(size)
	if len(b) < n {
		return nil, 0, nil
	}
	return b[FrameHeaderLen:n:n], n, nil
}

// TelnetClose is the name of the word that telnet sends on an interrupt: the
// bytes ff f4 ff fd (operations.md 2.4).
const TelnetClose = "telnet close"

// words are the four-letter words (client-protocol.md 1.5).
var words = map[[4]byte]string{
	{'c', 'o', 'n', 'f'}:     "conf",
	{'c', 'o', 'n', 's'}:     "cons",
	{'c', 'r', 's', 't'}:     "crst",
	{'d', 'i', 'r', 's'}:     "dirs",
	{'d', 'u', 'm', 'p'}:     "dump",
	{'e', 'n', 'v', 'i'}:     "envi",
	{'g', 't', 'm', 'k'}:     "gtmk",
	{'h', 'a', 's', 'h'}:     "hash",
	{'i', 's', 'r', 'o'}:     "isro",
	{'m', 'n', 't', 'r'}:     "mntr",
	{'r', 'u', 'o', 'k'}:     "ruok",
	{'s', 'r', 's', 't'}:     "srst",
	{'s', 'r', 'v', 'r'}:     "srvr",
	{'s', 't', 'a', 't'}:     "stat",
	{'s', 't', 'm', 'k'}:     "stmk",
	{'w', 'c', 'h', 'c'}:     "wchc",
	{'w', 'c', 'h', 'p'}:     "wchp",
	{'w', 'c', 'h', 's'}:     "wchs",
	{'m', 'o', 'v', 'e'}:     "move", // Ostler's own
	{0xff, 0xf4, 0xff, 0xfd}: TelnetClose,
}

// FourLetterWord returns the word that a connection's first four bytes are, if
// they are one; otherwise they are the length of the first frame.
func FourLetterWord(b [4]byte) (word string, ok bool) {
	word, ok = words[b]
	return word, ok
}
