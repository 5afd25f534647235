from __future__ import annotations

import base64
import pickle
import zlib

import numpy as np
import pytest

from perceivers.conversion.haiku_files import read_haiku
from perceivers.errors import CheckpointError

# Written by dm-haiku 0.0.17 with jax 0.10.2 and NumPy 2.4, then compressed. Each holds the linear layer below.
PICKLES = {
    "haiku_flat_mapping_protocol_2": (
        "c-l3NOHaZ;6opGGh$G?y-}ruoRnf$yiMVlLBa2ye*R<2>G(zcVr!g!vYzp!(_$~UwblT$0<jmvF`R*C1jNATOqFZsq"
        "bk`QP6^kfgB8j}1JoaqyY=@yAyb>rMD48`yQM`b)KifS&@azaGm+xB3EXl?@7Fdw<!=Y}mLFDQEq$hkkitHh=B99G%"
        "0!>gZzLCH!x~LdRibW=EuE$~`C&&XqHOD$wGAnYIVf^3*WQ=8s+5{^U^_EdGR6`qMb&hn!FqF<UQ<aXFTdYsNCfJ~8"
        "v<xk$-C?ua?LPg=%EeFwwwx)inoZ@uzDM^`J92fhOD3}pwz(X=L$NEc=ggDs^D@uFH@Qr7KyjEQ(o!7pM#iicyqQG&"
        "WODt0;|y~`aVl`;Bq`1*F5(oI6j%BmNw0V!"
    ),
    "haiku_flat_mapping_of_jax_arrays_protocol_4": (
        "c-l>nu};G<6h)nc3RMIU45(sY&Xh7RA`ujcfrt$JfaNAG4o%(2aa1xCWeFvcw?1}0jXwb=28k!VJJ|Q0E4$hIm|JKV"
        "b<Rk(sC-<C#7~JNxRjzwWF=?`>fkOX@_`gZ#-CsZ8&EFg$@F!aXPgoN%-(>ftQn}IXYyhoL<mxYI>mw}D{g4m9PYIF"
        "j91H|_HnWj)L&M)%zgvz|A4lt(clEN&(ptngjxu7-4?vaikueMp&F&KE@&UH=U33ZZ{bnjI?B3+IF9eX^$Zdr39~MA"
        "5&8@e`qF!O3$lOHcumOy50tKyI<BlWu(8KncHB3z6Vqo$&Ks~v7f#IIH8)x`C(zpjJ$K--3qz?|EoCqM4-^%Op#"
    ),
    "params_and_state_protocol_5": (
        "c-m!8O-sZu5N+D6D_Buk1b;%kbUk<!cEy{49{d9(t*I@Tw4|xBhm~H|56I1N&->H-CpzisvgjjkCXhET^E&@yL7X0Q"
        "2+dB-6cY{1!311p<EQa`DLGSMAIT$_k!(dhi;}ETJi<FyWd>$1$yFuNHqW_&cL<j!&NjLUmMI=&hg?m;_`MPKTRp2e"
        "4jDH;hqu=kxPg#*hFm}#$JbwozEDR)N?qzbgCSR-QD#UA#csF^HXp6f{1bV03B>{R7Ep|=ux*UrXr{T%b-d0cD<!ZA"
        "&Sb&`>jMti16S;h|8aFDzqGEzuCVqs!>nqh#>{qL@T1;GLJ=6Z+{#lN{!eqd*>2EiUIRU9qi<pVhEf"
    ),
    "params_and_state_of_flat_mappings_protocol_4": (
        "c-n1H!A`<J5N#>Q0W@AP=ojFnc<^Wfrilj|d+-OEp{#5p-8S1@4F^mws3d!1y!&Y;euz$6Ni;IqnayV2yf<%)=G&)j"
        "Rk6f@*~>selA}4{5Z`Mz%w^<GK|z=+sUxK&qh{x74(bN7EEY4|;1W%jiD>vVoX3KJMBXg9>_;?5LMPe64Wm>tH_>wy"
        "gOsqKfl#t26*Vhym{x^E(-zYjvO(Wkp=VF<1#fZS+kV4$o{@J=YpNC*D~B3)=eT~Y`;M_MFbIO{FN&)8mcq%}>(};*"
        "5tT6=%7XHJjMO&7&pZ5})Z&L*C5ImUwbw0Cmi0k-c3GnJiU4_8Oe<HQSY_4pYWE_Q30(;T5wZk+zM%~dOu~%qkg+R6"
        "wU9O1X0=v3O0`f-{+~MKJ=2JP`R2#FTsQZL>+jCm{RRq1wTJ"
    ),
}

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)
BIAS = np.array([5, 7, 11], dtype=np.float32)
LINEAR = {("enc/~/linear", "w"): WEIGHT, ("enc/~/linear", "b"): BIAS}
AVERAGE = {
    ("enc/~/norm/~/mean_ema", "average"): np.full((1, 3), 0.5, dtype=np.float32),
    ("enc/~/norm/~/mean_ema", "counter"): np.array(13, dtype=np.int32),
}


def assert_same(received, expected):
    assert set(received) == set(expected)
    for key, array in expected.items():
        assert received[key].dtype == array.dtype
        np.testing.assert_array_equal(received[key], array)


@pytest.mark.parametrize("name", list(PICKLES))
def test_what_haiku_pickles_is_read_without_haiku(name, tmp_path):
    path = tmp_path / "checkpoint.pystate"
    path.write_bytes(zlib.decompress(base64.b85decode(PICKLES[name])))
    assert_same(read_haiku(path), {**LINEAR, **AVERAGE} if "state" in name else LINEAR)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "content",
    [
        {"enc/~/linear": {"w": WEIGHT, "b": BIAS}},
        {"enc/~/linear/w": WEIGHT, "enc/~/linear/b": BIAS},
        {"enc": {"~": {"linear": {"w": WEIGHT, "b": BIAS}}}},
        {"params": {"enc/~/linear": {"w": WEIGHT, "b": BIAS}}, "state": {}, "step": 3},
        {"params": {"enc/~/linear": {"w": WEIGHT, "b": BIAS}}, "rng": object},
    ],
)
def test_every_nesting_and_protocol_is_read_alike(content, protocol, tmp_path):
    path = tmp_path / "checkpoint.pickle"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    if content.get("rng") is object:
        with pytest.raises(CheckpointError, match=r"asks for `(__builtin__|builtins)\.object`"):
            read_haiku(path)
    else:
        assert_same(read_haiku(path), LINEAR)


def test_numbers_count_as_arrays(tmp_path):
    path = tmp_path / "checkpoint.pickle"
    path.write_bytes(pickle.dumps({"module": {"scale": np.float32(3)}}))
    assert_same(read_haiku(path), {("module", "scale"): np.array(3, dtype=np.float32)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([WEIGHT], "must hold mappings down to arrays, received list"),
        ({"module": {"w": "text"}}, "received str at module/w"),
        ({"params": {"module": {"w": None}}}, "received NoneType at module/w"),
        ({}, "holds no parameters"),
        ({"module": {"w": np.array(["text"])}}, "holds module/w as <U4, which is no type of numbers"),
        ({"module": {"w": np.array([{}], dtype=object)}}, "holds module/w as object"),
    ],
)
def test_a_file_of_another_form_is_an_error(content, message, tmp_path):
    path = tmp_path / "checkpoint.pickle"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(CheckpointError, match=message):
        read_haiku(path)


def test_an_archive_is_read_by_prefix(tmp_path):
    path = tmp_path / "arrays.npz"
    arrays = {
        "p|enc/~/linear|w": WEIGHT,
        "p|enc/~/linear|b": BIAS,
        "q|enc/~/linear|w": BIAS,
        "output": WEIGHT,
    }
    np.savez(path, **arrays)
    assert_same(read_haiku(path, ["p"]), LINEAR)
    with pytest.raises(CheckpointError, match=r"holds enc/~/linear\|w under several prefixes"):
        read_haiku(path)
    with pytest.raises(CheckpointError, match="holds no parameters under r, s"):
        read_haiku(path, ["r", "s"])


def test_an_archive_needs_no_prefix(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, **{"enc/~/linear|w": WEIGHT, "enc/~/linear|b": BIAS})
    assert_same(read_haiku(path), LINEAR)


def test_an_archive_with_pickled_objects_is_not_opened(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, **{"module|w": np.array([{}], dtype=object)})
    with pytest.raises(CheckpointError, match=r"cut short or no \.npz file.*allow_pickle"):
        read_haiku(path)


def test_a_damaged_archive_is_an_error(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, **{"module|w": WEIGHT})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(CheckpointError, match=r"cut short or no \.npz file"):
        read_haiku(path)


def test_prefixes_of_a_pickle_are_an_error(tmp_path):
    path = tmp_path / "checkpoint.pickle"
    path.write_bytes(pickle.dumps({"module": {"w": WEIGHT}}))
    with pytest.raises(CheckpointError, match=r"`prefixes` select keys of a \.npz file"):
        read_haiku(path, ["p"])


def test_a_source_that_is_no_file_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match="`source` must be a file"):
        read_haiku(tmp_path)
