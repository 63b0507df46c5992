package auth

import (
	"fmt"
	"strings"
)

// providerPackage holds ZooKeeper's own authentication providers.
const providerPackage = "org.apache.zookeeper.server.auth."

// ProviderScheme returns the scheme that a class given as authProvider.<x>
// stands for (client-protocol.md 7.6). An error says that there is nothing here
// that does what the class does: without it, access lists of its scheme would
// match nobody.
func ProviderScheme(class string) (string, error) {
	switch strings.TrimPrefix(class, providerPackage) {
	case "IPAuthenticationProvider":
		return schemeIP, nil
	case "DigestAuthenticationProvider":
		return schemeDigest, nil
	case "X509AuthenticationProvider":
		return schemeX509, nil
	case "SASLAuthenticationProvider":
		return schemeSASL, nil
	case "EnsembleAuthenticationProvider":
		return schemeEnsemble, nil
	case "KeyAuthenticationProvider":
		return "", fmt.Errorf("%s is a sample of ZooKeeper's that this server does not have; remove the line", class)
	}
	return "", fmt.Errorf("the class %s is not known; this server has ZooKeeper's providers of the schemes ip, digest, x509, sasl and ensemble", class)
}
