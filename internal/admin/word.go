package admin

import (
	"encoding/binary"
	"slices"
	"strconv"

	"ostler/internal/zk"
)

// TelnetClose is the name of the bytes that telnet sends on Ctrl-C. They are
// refused or answered with nothing, like any word.
const TelnetClose = "telnet close"

const notServing = "This ZooKeeper instance is not currently serving requests"

// A command is one word. Its answer is everything that is sent before the
// connection is closed.
type command struct {
	answer func(s State) string
	// always: also answered by a server that does not serve.
	always bool
}

// commands in the order of operations.md 2.3.
var commands = map[string]command{
	"conf": {answer: conf},
	"cons": {answer: cons},
	"crst": {answer: crst},
	"dirs": {answer: dirs},
	"dump": {answer: dump},
	"envi": {answer: envi, always: true},
	"gtmk": {answer: gtmk, always: true},
	"hash": {answer: hash},
	"isro": {answer: isro, always: true},
	"mntr": {answer: mntr},
	"move": {answer: move}, // Ostler's own
	"ruok": {answer: ruok, always: true},
	"srst": {answer: srst},
	"srvr": {answer: srvr},
	"stat": {answer: stat},
	"stmk": {answer: nothing, always: true}, // without its argument
	"wchc": {answer: wchc},
	"wchp": {answer: wchp},
	"wchs": {answer: wchs},

	TelnetClose: {answer: nothing, always: true},
}

// Word returns the answer to a word, nil when it is none. Whether the word is
// allowed is for a Whitelist to say.
func Word(word string, s State) []byte {
	c, ok := commands[word]
	switch {
	case !ok:
		return nil
	case !c.always && !s.Summary().Serving:
		return refuseToServe(word)
	}
	return []byte(c.answer(s))
}

func refuseToServe(word string) []byte {
	if word == "hash" {
		return []byte(notServing) // without a newline, as ZooKeeper does
	}
	return []byte(notServing + "\n")
}

// traceMaskLen is the length of the argument of stmk.
const traceMaskLen = 8

// SetTraceMask is stmk: arg is what follows the word. Fewer than 8 bytes are
// answered with nothing.
func SetTraceMask(arg []byte, s State) []byte {
	if len(arg) < traceMaskLen {
		return nil
	}
	mask := int64(binary.BigEndian.Uint64(arg))
	s.SetTraceMask(mask)
	return strconv.AppendInt(nil, mask, 10)
}

// A Whitelist is the words that are answered (operations.md 2.2).
type Whitelist struct {
	all   bool
	words []string
}

// NewWhitelist makes a Whitelist of 4lw.commands.whitelist; "*" allows all.
func NewWhitelist(words []string) Whitelist {
	return Whitelist{all: slices.Contains(words, "*"), words: slices.Clone(words)}
}

// Allows reports whether a word is answered. What moves the leader has to be named.
func (w Whitelist) Allows(word string) bool {
	return w.all && word != "move" || slices.Contains(w.words, word)
}

// Argument is how many bytes must follow a word before it can be answered.
func (w Whitelist) Argument(word string) int {
	if word == "stmk" && w.Allows(word) {
		return traceMaskLen
	}
	return 0
}

// Refusal is sent for a word that is not allowed.
func Refusal(word string) []byte {
	return []byte(word + " is not executed because it is not in the whitelist.\n")
}

// Answer is all that a server does with a word: whitelist, argument, answer.
func (w Whitelist) Answer(word string, arg []byte, s State) []byte {
	switch {
	case !w.Allows(word):
		return Refusal(word)
	case word == "stmk":
		return SetTraceMask(arg, s)
	}
	return Word(word, s)
}

func ruok(State) string    { return "imok" }
func nothing(State) string { return "" }

func isro(s State) string {
	sum := s.Summary()
	switch {
	case !sum.Serving:
		return "null"
	case sum.ReadOnly:
		return "ro"
	}
	return "rw"
}

// move has another server lead.
func move(s State) string {
	if s.Summary().Mode != Leader {
		return "This server does not lead; server " + strconv.FormatInt(int64(s.Summary().LeaderID), 10) + " does.\n"
	}
	s.MoveLeader()
	return "Leadership is being handed over.\n"
}

func gtmk(s State) string { return strconv.FormatInt(s.TraceMask(), 10) }

// DefaultTraceMask is the mask of a server that was told none.
const DefaultTraceMask = 0b100110010

func crst(s State) string {
	s.ResetConnections()
	return "Connection stats reset.\n"
}

func srst(s State) string {
	s.ResetStats()
	return "Server stats reset.\n"
}

// byNumber orders sessions as their hexadecimal text reads.
func byNumber(a, b zk.SessionID) int {
	switch {
	case uint64(a) < uint64(b):
		return -1
	case a == b:
		return 0
	}
	return 1
}
