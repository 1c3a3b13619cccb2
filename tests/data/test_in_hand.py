import multiprocessing

from data.in_hand import InHand


def test_what_a_process_was_given_is_known_after_its_end() -> None:
    in_hand = InHand(workers=2, most=3)
    in_hand.take(1, 77, [5])
    process = multiprocessing.get_context("fork").Process(target=in_hand.take, args=(0, 76, [1, 2, 0]))
    process.start()
    process.join()
    assert in_hand.of([76]) == [1, 2, 0] and in_hand.of([77]) == [5] and in_hand.of([76, 77]) == [1, 2, 0, 5]
    in_hand.take(0, 78, [4])
    assert in_hand.of([76]) == [] and in_hand.of([78]) == [4], "a later worker has the place of an earlier one"
