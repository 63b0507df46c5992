// Package lint holds tests about the code itself: who imports whom, which calls
// are not made where, and what every package and file has. A wrong import fails
// like a wrong result (architecture.md section 3).
package lint
