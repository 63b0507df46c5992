package throttle

// An Account holds the bytes of the large requests in the server
// (client-protocol.md 1.6). The zero Account limits nothing.
type Account struct {
	Threshold int64 // a request longer than this is large; <= 0: none is
	Max       int64 // bytes of large requests together

	used int64
}

// Large reports whether a request of n bytes is large.
func (a *Account) Large(n int) bool { return a.Threshold > 0 && int64(n) > a.Threshold }

// Fits reports whether a large request of n bytes could be taken now.
func (a *Account) Fits(n int) bool { return int64(n) <= a.Max-a.used }

// Take adds n bytes if they fit.
func (a *Account) Take(n int) bool {
	if !a.Fits(n) {
		return false
	}
	a.used += int64(n)
	return true
}

// Release gives the bytes of a request back.
func (a *Account) Release(n int) { a.used -= int64(n) }

// Used is the number of bytes in the account.
func (a *Account) Used() int64 { return a.used }
