// Package interop holds tests of whole servers against the rest of the world:
// Apache ZooKeeper's servers, and clients in several languages. They need the
// programs that `make test` installs, and run with the build tag interop.
//
// With the tag clients as well it has the test suites of client libraries (`make
// clients`). They are fetched for the run into a temporary directory, and nothing
// of them is kept here.
package interop
