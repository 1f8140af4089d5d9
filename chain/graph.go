package chain

type graph struct{}
