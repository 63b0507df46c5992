// Package invariant states what must always hold. A broken invariant that
// guards agreement or durability stops the server: a quorum goes on without it,
// and a wrong answer could not be taken back.
package invariant

import "fmt"

// Check panics with the formatted values unless cond holds. Format states the
// invariant positively.
func Check(cond bool, format string, args ...any) {
	if !cond {
		panic("invariant broken: " + fmt.Sprintf(format, args...))
	}
}
