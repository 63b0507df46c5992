package auth

import (
	"slices"

	"ostler/internal/zk"
)

// Admits reports whether a connection with the identities ids may send requests:
// when schemes are required, one of them must be among its identities
// (client-protocol.md 7.8).
func (a *Auth) Admits(ids []zk.ID) bool {
	if len(a.required) == 0 {
		return true
	}
	for i := range ids {
		if slices.Contains(a.required, ids[i].Scheme) {
			return true
		}
	}
	return false
}

// RequiresSASL reports whether sasl is among the required schemes.
func (a *Auth) RequiresSASL() bool { return slices.Contains(a.required, schemeSASL) }
