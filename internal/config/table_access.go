package config

var accessRows = []Setting{
	propBool("DigestAuthenticationProvider.enabled", "true", "scheme digest", func(c *Config, on bool) { c.DigestAuthEnabled = on }),
	propText("DigestAuthenticationProvider.superDigest", "", "super:<digest> of the super user", func(c *Config) *string { return &c.SuperDigest }),
	propText("DigestAuthenticationProvider.digestAlg", "SHA1", "SHA1, SHA-256, SHA-512, SHA3-256 and others", func(c *Config) *string { return &c.DigestAlg }),
	property("authProvider.*", "class", "", "further schemes: ZooKeeper's classes DigestAuthenticationProvider, X509…, SASL…, Ensemble… and IP…; others are refused", (*builder).takeProvider),
	propBool("enableEagerACLCheck", "false", "members of an ensemble refuse a write without permission before it is ordered", func(c *Config, on bool) { c.Access.EagerCheck = on }),
	propText("X509AuthenticationProvider.superUser", "", "subject of the certificate that is super", func(c *Config) *string { return &c.Access.X509Super }),
	property("ensembleAuthName", "words", "", "names that scheme ensemble accepts; a client that gives another is cut off", func(b *builder, v string) error {
		b.cfg.Access.EnsembleNames = words(v)
		return nil
	}),

	accessBool("enforce.auth.enabled", "clients must log in by one of enforce.auth.schemes before anything else", func(a *access) *bool { return &a.enforce }),
	property("enforce.auth.schemes", "words", "", "see enforce.auth.enabled; each must be registered", func(b *builder, v string) error {
		b.access.schemes = words(v)
		return nil
	}),
	accessBool("sessionRequireClientSASLAuth", "the same with scheme sasl, and wins", func(a *access) *bool { return &a.requireSASL }),

	bare(accessText("java.security.auth.login.config", "path", "", "login file; its section for the server has the SASL users (DIGEST-MD5)", func(a *access) *string { return &a.loginFile })),
	accessText("sasl.serverconfig", "text", defaultLoginSection, "name of that section", func(a *access) *string { return &a.loginSection }),
	accessText("SASLAuthenticationProvider.superPassword", "text", "", "password of the SASL user super, who meets every entry of scheme sasl", func(a *access) *string { return &a.superSecret }),
	property("superUser", "text", "", "authorization id of a SASL user that is super", addSASLSuper),
	property("superUser.*", "text", "", "more of them", addSASLSuper),
	propBool("allowSaslFailedClients", "false", "a client whose SASL login fails stays connected, as nobody, unless sasl is required", func(c *Config, on bool) { c.Access.KeepFailedSASL = on }),
	property("letAnySaslUserDoX", "text", "", "an entry of scheme sasl with this id means every SASL user", func(b *builder, v string) error {
		if b.cfg.Access.SASLRules.AnyUser = v; v != "" {
			b.warn("letAnySaslUserDoX=%s: every SASL user may do what sasl:%s may", v, v)
		}
		return nil
	}),
	propBool("kerberos.removeHostFromPrincipal", "false", "a SASL user service/host@realm is known without the host", func(c *Config, on bool) { c.Access.SASLRules.RemoveHost = on }),
	propBool("kerberos.removeRealmFromPrincipal", "false", "the same without the realm", func(c *Config, on bool) { c.Access.SASLRules.RemoveRealm = on }),
	bare(propText("java.security.krb5.realm", "", "the realm to which these two apply", func(c *Config) *string { return &c.Access.SASLRules.DefaultRealm })),
	property("security.auth_to_local", "text", "DEFAULT", "rules that shorten names of SASL users; only DEFAULT", func(_ *builder, v string) error { return takeNameRules(v) }),
}

// accessBool is strict, which ZooKeeper is not: a switch that guards the server
// must not be off because of a slip of the pen.
func accessBool(name, text string, at func(a *access) *bool) Setting {
	return property(name, "bool", "false", text, func(b *builder, v string) (err error) {
		*at(&b.access), err = strictBool(v)
		return err
	})
}

func accessText(name, typ, def, text string, at func(a *access) *string) Setting {
	return property(name, typ, def, text, func(b *builder, v string) error {
		*at(&b.access) = v
		return nil
	})
}

func addSASLSuper(b *builder, v string) error {
	if v != "" {
		b.cfg.Access.SASLRules.Supers = append(b.cfg.Access.SASLRules.Supers, v)
	}
	return nil
}
