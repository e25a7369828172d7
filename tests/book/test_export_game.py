"""What the minimax page is given: games and numbers that lose nothing on the way through JSON."""

import json

import numpy as np
import pytest

from book import export_game
from vgcourse.gan import toy

NETWORKS = ("generator", "discriminator", "g_squares", "d_squares")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return export_game.export(tmp_path_factory.mktemp("minimax") / "new")


@pytest.fixture(scope="module")
def files(paths):
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def read_back(plain):
    """A game from its file."""
    networks = {name: [np.array(weight, np.float32) for weight in plain[name]] for name in NETWORKS}
    return toy.ToyGAN(**networks, step=plain["step"], g_step=plain["g_step"])


@pytest.mark.parametrize(("name", "dim"), [("line", 1), ("plane", 2)])
def test_a_game_comes_back_bit_by_bit(files, name, dim):
    game = read_back(files[f"game_{name}"])
    expected = toy.make_toy(1, latent_dim=1, width=32, seed=0) if dim == 1 else toy.make_toy(2, seed=0)
    for network in NETWORKS:
        for ours, theirs in zip(getattr(game, network), getattr(expected, network), strict=True):
            assert np.array_equal(ours, theirs)
    assert (game.step, game.g_step) == (0, 0)


@pytest.mark.parametrize("name", ["line", "plane"])
def test_a_check_holds_all_that_another_player_needs(files, name):
    game, check = read_back(files[f"game_{name}"]), files[f"check_{name}"]
    recipe = toy.Recipe(**check["recipe"])
    for place in range(50):
        real, noise = (np.array(check[key][place], np.float32) for key in ("real", "noise"))
        game, losses = toy.toy_step(game, real, noise, recipe=recipe)
        np.testing.assert_allclose(losses, [check["d_loss"][place], check["g_loss"][place]], atol=1e-5)
    points = toy.mlp(game.generator, np.array(check["probe"], np.float32))
    np.testing.assert_allclose(points, check["points"], atol=1e-4)
    assert recipe.r1_gamma > 0  # the penalty's gradient of a gradient is what a copy gets wrong first


def test_shortest_decimals():
    assert export_game.shortest(np.float32(0.1)) == 0.1
    assert export_game.shortest([np.array([[1 / 3]], "f"), 2]) == [[[0.33333334]], 2.0]


def test_the_files_are_small(paths):
    sizes = {path.stem: path.stat().st_size for path in paths}
    assert set(sizes) == {"game_line", "check_line", "game_plane", "check_plane"}
    assert max(sizes.values()) < 160_000


def test_a_plain_copy_holds_every_number_of_the_game():
    rng = np.random.default_rng(0)
    game = toy.make_toy(1, latent_dim=1, width=4, seed=3)
    recipe = toy.Recipe(batch_size=8)
    game, _ = toy.train_toy(game, lambda rng, n: toy.draw_noise(rng, (n, 1)), rng, recipe=recipe, num_steps=1)
    plain = json.loads(json.dumps(export_game.to_plain(game)))
    assert list(plain) == list(toy.ToyGAN._fields)
    assert (plain["step"], plain["g_step"]) == (1.0, 1.0)
    for name in ("generator", "discriminator", "g_squares", "d_squares"):
        for ours, theirs in zip(getattr(game, name), plain[name], strict=True):
            np.testing.assert_array_equal(np.array(theirs, np.float32), ours)
    assert [array.shape for array in game.generator] == [(1, 4), (4,), (4, 4), (4,), (4, 1), (1,)]
