//go:build invariants

package invariant

// Costly turns on checks that cost more than a comparison (build tag invariants).
const Costly = true
