package kzstd

// measured is the beginning of the SHA-256 of all streams of inputs, one behind the
// other, as releases of the library wrote them.
type measured struct {
	o        Options
	sum      string
	releases string
}

var sums = []measured{
	{Options{V1_11, Fastest}, "6fc57db0a0ffe969", "1.11.13, 1.12.2, 1.13.6"},
	{Options{V1_14, Fastest}, "b3372c1763184343", "1.14.4, 1.15.9, 1.15.11, 1.16.3"},
	{Options{V1_16, Fastest}, "dbee29034387d2ed", "1.16.5, 1.16.7"},
	{Options{V1_17, Fastest}, "98757e97d5f01321", "1.17.0, 1.17.2, 1.17.3, 1.17.4, 1.17.5, 1.17.7"},
	{Options{V1_178, Fastest}, "862e008e8d676ba2", "1.17.8, 1.18.6, 1.20.2"},
	{Options{V1_203, Fastest}, "cff4677b89ca4f26", "1.20.3, 1.20.4"},
	{Options{V1_11, Default}, "0e48cb4678fac7ec", "1.11.13, 1.12.2, 1.13.6"},
	{Options{V1_14, Default}, "6cdc4a226b5fbf9a", "1.14.4, 1.15.9, 1.15.11, 1.16.3"},
	{Options{V1_16, Default}, "c8cae35c4530275b", "1.16.5, 1.16.7"},
	{Options{V1_17, Default}, "230310315f73988c", "1.17.0, 1.17.2, 1.17.3, 1.17.4, 1.17.5, 1.17.7"},
	{Options{V1_178, Default}, "0918a13105361fd8", "1.17.8, 1.18.6, 1.20.2"},
	{Options{V1_203, Default}, "e245046dce0c1835", "1.20.3, 1.20.4"},
	{Options{V1_11, Better}, "307ce5568076f658", "1.11.13"},
	{Options{V1_12, Better}, "408cd26239bbed85", "1.12.2, 1.13.6"},
	{Options{V1_14, Better}, "454235fd522fa60e", "1.14.4, 1.15.9"},
	{Options{V1_15, Better}, "e9e692cad2714467", "1.15.11, 1.16.3"},
	{Options{V1_16, Better}, "9a5c68631dc13663", "1.16.5, 1.16.7"},
	{Options{V1_17, Better}, "0b252b64e969ca04", "1.17.0, 1.17.2"},
	{Options{V1_173, Better}, "2329f59492eb59b4", "1.17.3, 1.17.4"},
	{Options{V1_175, Better}, "98a9128d2fee1507", "1.17.5, 1.17.7"},
	{Options{V1_178, Better}, "7586381da04d7cf8", "1.17.8, 1.18.6, 1.20.2"},
	{Options{V1_203, Better}, "c083eed352178a8d", "1.20.3, 1.20.4"},
	{Options{V1_16, Best}, "f14d093a05378211", "1.16.5, 1.16.7"},
	{Options{V1_17, Best}, "9129ab391eb026a0", "1.17.0, 1.17.2"},
	{Options{V1_173, Best}, "69467264733621b2", "1.17.3, 1.17.4"},
	{Options{V1_175, Best}, "12dd01dd3b20f655", "1.17.5"},
	{Options{V1_176, Best}, "c12bfc8dbfe1199a", "1.17.7"},
	{Options{V1_178, Best}, "dc6e8fb2cad42c01", "1.17.8, 1.18.6, 1.20.2"},
	{Options{V1_203, Best}, "3d5c610484d75087", "1.20.3, 1.20.4"},
}
