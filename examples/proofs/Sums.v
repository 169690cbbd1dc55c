(** Sums of the first numbers, squares and cubes. *)
From Coq Require Import Arith Lia.

Fixpoint sum (f : nat -> nat) (n : nat) : nat :=
  match n with
  | 0 => 0
  | S m => sum f m + f n
  end.

Theorem sum_of_numbers : forall n, 2 * sum (fun k => k) n = n * (n + 1).
Proof. induction n; cbn [sum]; lia. Qed.

Theorem sum_of_squares : forall n,
  6 * sum (fun k => k * k) n = n * (n + 1) * (2 * n + 1).
Proof. induction n; cbn [sum]; nia. Qed.

Theorem sum_of_cubes : forall n,
  sum (fun k => k * k * k) n = sum (fun k => k) n * sum (fun k => k) n.
Proof.
  induction n as [| n IH]; [reflexivity |].
  cbn [sum]. rewrite IH. pose proof (sum_of_numbers n). nia.
Qed.

Theorem sum_monotone : forall f n m, n <= m -> sum f n <= sum f m.
Proof. intros f n m H. induction H; cbn [sum]; lia. Qed.
