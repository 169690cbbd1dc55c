(** Insertion sort returns a sorted permutation of its input. *)
From Coq Require Import Arith Lia List Permutation.
Import ListNotations.

Fixpoint insert (x : nat) (l : list nat) : list nat :=
  match l with
  | [] => [x]
  | y :: rest => if x <=? y then x :: l else y :: insert x rest
  end.

Fixpoint sort (l : list nat) : list nat :=
  match l with
  | [] => []
  | x :: rest => insert x (sort rest)
  end.

Inductive sorted : list nat -> Prop :=
  | sorted_nil : sorted []
  | sorted_one : forall x, sorted [x]
  | sorted_cons : forall x y l, x <= y -> sorted (y :: l) -> sorted (x :: y :: l).

Lemma insert_permutes : forall x l, Permutation (x :: l) (insert x l).
Proof.
  intros x l. induction l as [| y l IH]; cbn; [reflexivity |].
  destruct (x <=? y); [reflexivity |].
  rewrite perm_swap. now rewrite IH.
Qed.

Lemma insert_keeps_sorted : forall x l, sorted l -> sorted (insert x l).
Proof.
  intros x l H. induction H as [| y | y z l Hyz H IH]; cbn.
  - constructor.
  - destruct (Nat.leb_spec x y); repeat constructor; lia.
  - destruct (Nat.leb_spec x y).
    + repeat constructor; assumption.
    + cbn in IH. destruct (Nat.leb_spec x z); constructor; try lia; assumption.
Qed.

Theorem sort_permutes : forall l, Permutation l (sort l).
Proof.
  induction l as [| x l IH]; cbn; [reflexivity |].
  now rewrite <- insert_permutes, <- IH.
Qed.

Theorem sort_sorts : forall l, sorted (sort l).
Proof. induction l; cbn; [constructor | now apply insert_keeps_sorted]. Qed.
