package auth

import (
	"slices"

	"ostler/internal/zk"
)

// An ensembleScheme keeps clients from talking to the wrong ensemble
// (client-protocol.md 7.6). It gives nobody an identity.
type ensembleScheme struct{ names []string }

// login accepts a client that names nothing, or one of the names.
func (e ensembleScheme) login(r loginRequest) ([]zk.ID, error) {
	if len(r.data) == 0 || len(e.names) == 0 || slices.Contains(e.names, utf8Text(r.data)) {
		return nil, nil
	}
	return nil, ErrForeign
}

func (ensembleScheme) validID(string) bool         { return false }
func (ensembleScheme) matches(string, string) bool { return false }
func (ensembleScheme) authenticated() bool         { return false }
func (ensembleScheme) user(id string) string       { return id }
