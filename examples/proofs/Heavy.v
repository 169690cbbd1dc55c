(** Reflection over many cases: the file that wants memory and time. *)
From Coq Require Import Arith List Lia.
From Proofs Require Import Sorting.
Import ListNotations.

Fixpoint permutations (l : list nat) : list (list nat) :=
  match l with
  | [] => [[]]
  | x :: rest =>
      flat_map (fun p => map (fun k => firstn k p ++ x :: skipn k p) (seq 0 (S (length p))))
        (permutations rest)
  end.

Fixpoint same (l m : list nat) : bool :=
  match l, m with
  | [], [] => true
  | x :: l', y :: m' => (x =? y) && same l' m'
  | _, _ => false
  end.

(** Every one of the 720 orders of six numbers is sorted to the same list, by computation. *)
Theorem all_orders_sort_alike :
  forallb (fun p => same (sort p) (seq 0 6)) (permutations (seq 0 6)) = true.
Proof. vm_compute. reflexivity. Qed.

Goal length (permutations (seq 0 6)) = 720.
Proof. reflexivity. Qed.
